package course

var _ = prove("http", map[string]string{
	"end":     "empty",
	"missing": "fine",
	"long":    "waits",
	"lines":   "disagree or refuse", // refuse where there is no curl
})

var _ = solve("http", map[string]string{
	"type": `printf 'GET /\n\n' | nc 127.0.0.1 {port}; printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' | nc 127.0.0.1 {port}`,
})
