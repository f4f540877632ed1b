package course

var _ = prove("send", map[string]string{
	"return": "kernel",
	"full":   "waits",
	"calls":  "same",
})

var _ = solve("send", map[string]string{
	"stuff": `yes | nc 127.0.0.1 {port}`,
})
