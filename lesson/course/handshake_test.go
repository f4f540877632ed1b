package course

var _ = prove("handshake", map[string]string{
	"who":     "opens",
	"packets": "three",
	"nobody":  "packet",
	"half":    "client",
})

var _ = solve("handshake", map[string]string{
	"asleep": `kill -STOP {pid}
sleep 0.5
nc 127.0.0.1 {port} </dev/null &
sleep 1
kill -CONT {pid}
wait`,
})
