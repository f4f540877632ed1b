package course

var _ = prove("listen", map[string]string{
	"wait":    "returns",
	"full":    "two",
	"clamp":   "less",
	"columns": "connections",
})

var _ = solve("listen", map[string]string{
	"fill": `for i in 1 2 3 4; do nc 127.0.0.1 {port} </dev/null & done; wait`,
})
