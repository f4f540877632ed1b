package course

var _ = prove("dgram", map[string]string{
	"two":    "one",
	"small":  "lost",
	"loss":   "silent",
	"nobody": "later",
})

var _ = solve("dgram", map[string]string{
	"word": `printf 'hello' | nc -u -w1 127.0.0.1 {port}; echo 'hello fd3' >/dev/udp/127.0.0.1/{port}`,
})
