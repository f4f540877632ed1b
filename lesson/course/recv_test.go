package course

var _ = prove("recv", map[string]string{
	"joined": "both",
	"empty":  "waits",
	"end":    "zero",
	"post":   "part",
})

var _ = solve("recv", map[string]string{
	"pieces": `(printf 'one '; sleep 0.5; printf two; sleep 1) | nc -N 127.0.0.1 {port}`,
})
