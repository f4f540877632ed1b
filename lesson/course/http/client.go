package http

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
	"fd3/lesson/course/lab"
	"fd3/lesson/facts"
	"fd3/sockets"
	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// A visit is one request of a client: of curl or, where there is none, of the
// client process and the parser of fd3.
type visit struct {
	lab      *lab.Lab
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

func newVisit(l *lab.Lab, server sockets.Sockaddr, method, target string) *visit {
	v := &visit{lab: l, name: "curl", over: make(chan struct{})}
	defer func() { l.Note("client", v.name) }()
	path, err := exec.LookPath("curl")
	if err != nil {
		v.name = "fd3's parser"
		v.fd = int(l.Must(l.Quietly(lab.Client, stage.Order{Do: "socket", Domain: unix.AF_INET, Type: unix.SOCK_STREAM | unix.SOCK_CLOEXEC})).Ret)
		l.Must(l.Quietly(lab.Client, stage.Order{Do: "connect", FD: v.fd, Addr: server}))
		l.Must(l.Quietly(lab.Client, stage.Order{Do: "sendto", FD: v.fd, Data: httpmini.AppendRequest(nil, method, target, server.String())}))
		return v
	}
	v.cmd = exec.Command(path, "-q", "-sS", "--noproxy", "*", "-X", method, "http://"+server.String()+target)
	v.cmd.Stdout, v.cmd.Stderr, v.cmd.WaitDelay = &v.out, &v.err, time.Second
	if err := v.cmd.Start(); err != nil {
		l.Fatalf("curl(1): %w", err)
	}
	go func() {
		defer close(v.over)
		v.cmd.Wait() // its error says what ProcessState does
	}()
	l.Runs(func() {
		v.cmd.Process.Kill()
		<-v.over
	})
	return v
}

// waits looks whether the client sleeps with all read that was sent, and shows it.
// Not if it has ended.
func (v *visit) waits() (yes bool) {
	l := v.lab
	if v.cmd == nil {
		v.got = l.Must(l.Quietly(lab.Client, stage.Order{Do: "recvfrom", FD: v.fd, Type: unix.SOCK_STREAM, Size: 4096})).Data
		_, problem := parseResponse(v.got, true)
		l.Show(lesson.Evidence{Fact: v.name, Value: cmp.Or(problem, "nothing is missing"), Source: "httpmini, if nothing more comes"})
		return problem != ""
	}
	pid := v.cmd.Process.Pid
	var task kernel.Task
	begin := time.Now()
	l.Until("curl to wait", func() bool {
		select {
		case <-v.over:
			return true
		default:
		}
		var err error
		task, err = kernel.Thread(pid, pid)
		yes = err == nil && task.State == 'S' && unreadBytes(l) == 0 && (task.Wchan != "" || time.Since(begin) > lab.Nameless)
		return yes
	})
	if yes {
		task.Wchan = cmp.Or(task.Wchan, "the kernel")
		l.Show(facts.Asleep("curl", pid, task))
	}
	return yes
}

// unreadBytes are the bytes between the server's only connection and its client:
// not received or not read yet.
func unreadBytes(l *lab.Lab) (n int) {
	for _, x := range l.State(lab.Server).Sockets {
		if x.Listening {
			continue
		}
		n += x.Unacked().Bytes
		if row := l.TCP().Find(x.Peer.AddrPort(), x.Local.AddrPort()); row != nil {
			n += row.Unread().Bytes
		}
	}
	return n
}

// end waits for the end of the client.
func (v *visit) end() {
	if v.cmd != nil {
		select {
		case <-v.over:
		case <-time.After(lab.Patience):
			v.lab.Fatalf("curl(1) did not end within %s", lab.Patience)
		}
		v.exit, v.body = v.cmd.ProcessState.ExitCode(), v.out.String()
		v.says, v.how = strings.TrimSpace(v.err.String()), fmt.Sprintf("exit status %d", v.exit)
		return
	}
	for {
		call := v.lab.Must(v.lab.Quietly(lab.Client, stage.Order{Do: "recvfrom", FD: v.fd, Type: unix.SOCK_STREAM, Size: 4096}))
		v.got = append(v.got, call.Data...)
		if call.Ret == 0 {
			break
		}
	}
	body, problem := parseResponse(v.got, true)
	v.body, v.says, v.how = string(body), problem, "no problem"
	if problem != "" {
		v.exit, v.how = 1, "a problem"
	}
	v.lab.Quietly(lab.Client, stage.Order{Do: "close", FD: v.fd})
}

// show tells how the client has ended.
func (v *visit) show() {
	e := lesson.Evidence{Fact: v.name, Value: v.how, Source: "wait4(2), and what it wrote"}
	if v.cmd == nil {
		e.Source = "httpmini, over what the client process received"
	}
	if v.says != "" {
		e.Value += ", " + v.says
	}
	e.Value += fmt.Sprintf("; content %q", v.body)
	v.lab.Show(e)
}
