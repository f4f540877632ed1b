package course

var _ = prove("close", map[string]string{
	"dup":    "nothing",
	"half":   "arrives",
	"unread": "reset",
	"pipe":   "killed",
})

var _ = solve("close", map[string]string{
	"half": `echo question | nc -N 127.0.0.1 {port}`,
})
