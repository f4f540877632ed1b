package course

var _ = prove("faults", map[string]string{
	"address":   "any",
	"unchecked": "elsewhere",
	"root":      "leaves",
	"large":     "both",
})

var _ = solve("faults", map[string]string{
	"mend": `nc -z 127.0.0.1 {port}; nc -z 127.0.0.1 {port}`,
})
