package course

import (
	"bytes"
	"cmp"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/lesson"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// An httpVisit is one request of a client: of curl or, where there is none, of the
// client process and the parser of fd3.
type httpVisit struct {
	lab      *Lab
	name     string
	cmd      *exec.Cmd // nil without curl
	fd       int       // without curl
	got      []byte    // without curl
	over     chan struct{}
	out, err bytes.Buffer

	exit int    // once it has ended: 0 if it had no trouble
	how  string // it ended, in words
	says string // its complaint
	body string // what it took for the content
}

func (l *Lab) httpVisit(server sockets.Sockaddr, method, target string) *httpVisit {
	v := &httpVisit{lab: l, name: "curl", over: make(chan struct{})}
	defer func() { l.note("client", v.name) }()
	path, err := exec.LookPath("curl")
	if err != nil {
		v.name = "fd3's parser"
		v.fd = int(l.must(l.quietly(client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
		l.must(l.quietly(client, stage.Order{Do: "connect", FD: v.fd, Addr: server}))
		l.must(l.quietly(client, stage.Order{Do: "sendto", FD: v.fd, Data: httpmini.AppendRequest(nil, method, target, server.String())}))
		return v
	}
	v.cmd = exec.Command(path, "-q", "-sS", "--noproxy", "*", "-X", method, "http://"+server.String()+target)
	v.cmd.Stdout, v.cmd.Stderr, v.cmd.WaitDelay = &v.out, &v.err, time.Second
	if err := v.cmd.Start(); err != nil {
		l.failf("curl(1): %w", err)
	}
	go func() {
		defer close(v.over)
		v.cmd.Wait() // its error says what ProcessState does
	}()
	l.atEnd(func() {
		v.cmd.Process.Kill()
		<-v.over
	})
	return v
}

// waits looks whether the client sleeps with all read that was sent, and shows it.
// Not if it has ended.
func (v *httpVisit) waits() (yes bool) {
	l := v.lab
	if v.cmd == nil {
		v.got = l.must(l.quietly(client, stage.Order{Do: "recvfrom", FD: v.fd, Type: unix.SOCK_STREAM, Size: 4096})).Data
		_, problem := httpResponse(v.got, true)
		l.show(lesson.Evidence{Fact: v.name, Value: cmp.Or(problem, "nothing is missing"), Source: "httpmini, if nothing more comes"})
		return problem != ""
	}
	pid := v.cmd.Process.Pid
	var task kernel.Task
	begin := time.Now()
	l.until("curl to wait", func() bool {
		select {
		case <-v.over:
			return true
		default:
		}
		var err error
		task, err = kernel.Thread(pid, pid)
		yes = err == nil && task.State == 'S' && l.httpUnread() == 0 && (task.Wchan != "" || time.Since(begin) > nameless)
		return yes
	})
	if yes {
		path := fmt.Sprintf("/proc/%d/wchan", pid)
		l.show(lesson.Evidence{Fact: "curl", Value: task.StateName + " in " + cmp.Or(task.Wchan, "the kernel"), Source: path, Command: "cat " + path})
	}
	return yes
}

// httpUnread are the bytes between the server's only connection and its client:
// not received or not read yet.
func (l *Lab) httpUnread() (n int) {
	for _, x := range l.state(server).Sockets {
		if x.Listening {
			continue
		}
		n += x.Unsent
		if row, ok := kernel.Find(l.tcp(), x.Peer.AddrPort(), x.Local.AddrPort()); ok {
			n += int(row.RQueue)
		}
	}
	return n
}

// end waits for the end of the client.
func (v *httpVisit) end() {
	if v.cmd != nil {
		select {
		case <-v.over:
		case <-time.After(patience):
			v.lab.failf("curl(1) did not end within %s", patience)
		}
		v.exit, v.body = v.cmd.ProcessState.ExitCode(), v.out.String()
		v.says, v.how = strings.TrimSpace(v.err.String()), fmt.Sprintf("exit status %d", v.exit)
		return
	}
	for {
		call := v.lab.must(v.lab.quietly(client, stage.Order{Do: "recvfrom", FD: v.fd, Type: unix.SOCK_STREAM, Size: 4096}))
		v.got = append(v.got, call.Data...)
		if call.Ret == 0 {
			break
		}
	}
	body, problem := httpResponse(v.got, true)
	v.body, v.says, v.how = string(body), problem, "no problem"
	if problem != "" {
		v.exit, v.how = 1, "a problem"
	}
	v.lab.quietly(client, stage.Order{Do: "close", FD: v.fd})
}

// show tells how the client has ended.
func (v *httpVisit) show() {
	e := lesson.Evidence{Fact: v.name, Value: v.how, Source: "wait4(2), and what it wrote"}
	if v.cmd == nil {
		e.Source = "httpmini, over what the client process received"
	}
	if v.says != "" {
		e.Value += ", " + v.says
	}
	e.Value += fmt.Sprintf("; content %q", v.body)
	v.lab.show(e)
}
