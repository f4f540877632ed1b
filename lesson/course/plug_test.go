package course

var _ = prove("plug", map[string]string{
	"calls": "none",
	"where": "kernel",
	"file":  "zero",
})

var _ = solve("plug", map[string]string{
	"say": `echo hello | nc -N -U {path}`,
})
