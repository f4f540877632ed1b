package course

var _ = prove("socket", map[string]string{
	"zero":  "tcp",
	"wrong": "error",
	"other": "made or refused",
})

var _ = solve("socket", map[string]string{
	"udp": `nc -u -l 127.0.0.1 {port}`,
})
