package course

var _ = prove("bytes", map[string]string{
	"order":     "little or big",
	"forgotten": "swapped or meant",
	"row":       "turned or written",
})

var _ = solve("bytes", map[string]string{
	"meet": `hex=$(printf '%04x' {meant}); nc -l 127.0.0.1 $((0x${hex:2:2}${hex:0:2}))`,
})
