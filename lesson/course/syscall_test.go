package course

var _ = prove("syscall", map[string]string{
	"names": "write or both",
	"cost":  "few or tens or hundreds",
	"many":  "some or tens",
	"sleep": "none",
})

var _ = solve("syscall", map[string]string{
	"wake": `nc -N 127.0.0.1 {port} </dev/null`,
})
