package course

var _ = prove("fd", map[string]string{
	"number": "free",
	"write":  "sends",
	"dup":    "on",
})

var _ = solve("fd", map[string]string{
	"shell": `exec 3<>/dev/tcp/127.0.0.1/{port}; ls -l /proc/$$/fd/3; sleep 60; exec 3>&-`,
})
