package course

var _ = prove("bind", map[string]string{
	"length":  "refuses",
	"two":     "more",
	"reach":   "refused",
	"without": "chosen",
})

var _ = solve("bind", map[string]string{
	"share": `nc -l 127.0.0.2 {port}`,
})
