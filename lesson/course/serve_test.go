package course

var _ = prove("serve", map[string]string{
	"pieces":  "four",
	"version": "recent",
	"idle":    "waits",
	"loops":   "one",
})

var _ = solve("serve", map[string]string{
	"hang": `nc -d 127.0.0.1 {port} & until ss -Htn 'dport = :{port}' | grep -q ESTAB; do sleep 0.1; done; curl -s http://{addr}/`,
})
