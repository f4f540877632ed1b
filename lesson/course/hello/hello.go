// Package hello has the servers that lessons watch. Each answers every request with
// hello, in the way that is usual where it comes from. What a learner reads of a server
// is the file that runs.
//
//	dir, at := …                       // a folder of its own, a port that is free
//	argv, err := hello.Node.Command(dir, at)
//
// Two of them are in Go, and are fd3 itself, as another process (Become). The others are
// there where their interpreter, their compiler or they themselves are. A recording of
// each, by fd3 watch --out, is always there.
package hello

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A Server is a program that says hello.
type Server struct {
	Name     string // as people call it
	Recorded string // a recording of its calls; empty: there is none, since it runs everywhere
	Of       string // the program of the recording, and its version

	command func(dir string, at netip.AddrPort) (argv []string, version string, err error) // nil: there is its recording alone
}

// The servers.
var (
	Node    = Server{Name: "node", Recorded: recordedNode, Of: "Node.js v20.20.2", command: node}
	Express = Server{Name: "Express", Recorded: recordedExpress, Of: "Express 5.3.0 on Node.js v20.20.2"}
	Python  = Server{Name: "http.server", Recorded: recordedPython, Of: "Python 3.11.7", command: python}
	Nginx   = Server{Name: "nginx", Recorded: recordedNginx, Of: "nginx 1.22.1", command: nginx}
	NetHTTP = Server{Name: "net/http", command: own("net/http")}
	Raw     = Server{Name: "raw", command: own("raw")}
	C       = Server{Name: "C", Recorded: recordedC, Of: "hello.c, by gcc 12.2.0", command: compiled}
)

var (
	//go:embed recorded/node.jsonl
	recordedNode string
	//go:embed recorded/express.jsonl
	recordedExpress string
	//go:embed recorded/python.jsonl
	recordedPython string
	//go:embed recorded/nginx.jsonl
	recordedNginx string
	//go:embed recorded/c.jsonl
	recordedC string

	//go:embed nethttp.go
	SourceNetHTTP string
	//go:embed raw.go
	SourceRaw string
	//go:embed src/hello.c
	SourceC string
	//go:embed src/hello.js
	SourceNode string
	//go:embed src/nginx.conf
	SourceNginx string
)

// Command returns what starts the server at an address, and which version of what it is.
// The folder is for its files. An error says why it does not run here.
func (s Server) Command(dir string, at netip.AddrPort) (argv []string, version string, err error) {
	if s.command == nil {
		return nil, "", fmt.Errorf("%s is not run, there is its recording", s.Name)
	}
	return s.command(dir, at)
}

func node(dir string, at netip.AddrPort) (argv []string, version string, err error) {
	path, err := exec.LookPath("node")
	if err != nil {
		return nil, "", err
	}
	script := filepath.Join(dir, "hello.js")
	if err := os.WriteFile(script, []byte(SourceNode), 0o644); err != nil {
		return nil, "", err
	}
	version, err = said(path, "--version")
	return []string{path, script, port(at)}, "Node.js " + version, err
}

// python takes the interpreter itself: python3 may be a script that looks for it.
func python(dir string, at netip.AddrPort) (argv []string, version string, err error) {
	text, err := said("python3", "-c", "import sys; print(sys.executable, sys.version.split()[0])")
	if err != nil {
		return nil, "", err
	}
	path, version, _ := strings.Cut(text, " ")
	page := filepath.Join(dir, "index.html")
	if err := os.WriteFile(page, []byte("hello\n"), 0o644); err != nil {
		return nil, "", err
	}
	return []string{path, "-m", "http.server", "-b", at.Addr().String(), "-d", dir, port(at)}, "Python " + version, nil
}

func nginx(dir string, at netip.AddrPort) (argv []string, version string, err error) {
	path, err := exec.LookPath("nginx")
	if err != nil { // not in the path of an ordinary user
		if path, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return nil, "", err
		}
	}
	text := strings.ReplaceAll(SourceNginx, "127.0.0.1:8080", at.String())
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(text), 0o644); err != nil {
		return nil, "", err
	}
	argv = []string{path, "-p", dir, "-c", "nginx.conf", "-e", "stderr"}
	if _, err := said(path, "-e", "stderr", "-v"); err != nil { // before 1.19.5
		argv = argv[:5]
	}
	version, err = said(path, "-v")
	_, version, _ = strings.Cut(version, "nginx/")
	return argv, "nginx " + version, err
}

// compiled is the server in C, where there is a compiler.
func compiled(dir string, at netip.AddrPort) (argv []string, version string, err error) {
	path, err := exec.LookPath("cc")
	if err != nil {
		return nil, "", err
	}
	source, program := filepath.Join(dir, "hello.c"), filepath.Join(dir, "hello")
	if err := os.WriteFile(source, []byte(SourceC), 0o644); err != nil {
		return nil, "", err
	}
	if out, err := exec.Command(path, "-o", program, source).CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("cc: %w: %s", err, bytes.TrimSpace(out))
	}
	version, err = said(path, "--version")
	return []string{program, port(at)}, "hello.c, by " + version, err
}

// own is a server that fd3 itself becomes, as another process.
func own(name string) func(string, netip.AddrPort) ([]string, string, error) {
	return func(_ string, at netip.AddrPort) ([]string, string, error) {
		path, err := os.Executable()
		return []string{path, become, name, port(at)}, runtime.Version() + ", in fd3 itself", err
	}
}

// become is the first argument of a process that is to be one of this package. Which one,
// and its port or its path follow.
const become = "hello-process"

// Become turns this process into a server or a sender of this package, if it is meant to
// be one. A program that has lessons calls it first of all.
func Become() {
	if len(os.Args) != 4 || os.Args[1] != become {
		return
	}
	if err := run(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func port(at netip.AddrPort) string { return strconv.Itoa(int(at.Port())) }

// said is the first line that a program prints.
func said(path string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line, err
}
