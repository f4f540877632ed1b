package course

var _ = prove("timewait", map[string]string{
	"who":     "client",
	"restart": "neither",
	"two":     "error",
	"fault":   "server",
})

var _ = solve("timewait", map[string]string{
	"sides": `nc -N 127.0.0.1 {port} </dev/null; echo bye | nc 127.0.0.1 {port}`,
})
