package server

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The Go runtime ends a process that gets no thread: "failed to create new OS thread".
// So there is a look at every limit before one is made. It leaves spare ones, for the
// runtime's own threads, and for what other processes under the same limit begin
// between the look and the clone(2). What cannot be seen from here is a limit of a
// cgroup above the root of this cgroup namespace (cgroup_namespaces(7)).

// spareThreads are left where a limit is near.
func spareThreads() int { return 8 + 2*runtime.GOMAXPROCS(0) }

// A taskLimit is one of the limits on how many threads there may be.
type taskLimit struct {
	name string
	room func() (int, error) // how many more there may be
}

// taskLimits are those that count for this process. What cannot be read is none.
func taskLimits() []taskLimit {
	limits := []taskLimit{{"kernel.threads-max and kernel.pid_max (proc_sys_kernel(5))", machineRoom}}
	var limit unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &limit) == nil && limit.Cur != unix.RLIM_INFINITY {
		limits = append(limits, taskLimit{"RLIMIT_NPROC (getrlimit(2))", func() (int, error) { return userRoom(limit.Cur) }})
	}
	for _, dir := range pidsGroups("/proc/self") {
		limits = append(limits, taskLimit{dir + "/pids.max (cgroups(7))", func() (int, error) { return groupRoom(dir) }})
	}
	return limits
}

// machineRoom is what the machine allows beside all that run: proc_loadavg(5) has
// their number.
func machineRoom() (int, error) {
	all, err1 := readNumber("/proc/sys/kernel/threads-max")
	numbers, err2 := readNumber("/proc/sys/kernel/pid_max")
	text, err3 := os.ReadFile("/proc/loadavg")
	if err := errors.Join(err1, err2, err3); err != nil {
		return 0, err
	}
	_, behind, _ := strings.Cut(string(text), "/")
	running, _, _ := strings.Cut(behind, " ")
	n, err := strconv.Atoi(running)
	return min(all, numbers) - n, err
}

// userRoom is what RLIMIT_NPROC leaves beside all threads of this user.
func userRoom(limit uint64) (int, error) {
	processes, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0, err
	}
	uid, used := strconv.Itoa(os.Getuid()), 0
	for _, path := range processes {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		var owner string
		threads := 0
		for line := range strings.Lines(string(text)) {
			switch key, value, _ := strings.Cut(line, ":"); key {
			case "Uid":
				owner = strings.Fields(value)[0]
			case "Threads":
				threads, _ = strconv.Atoi(strings.TrimSpace(value))
			}
		}
		if owner == uid {
			used += threads
		}
	}
	return int(min(limit, 1<<30)) - used, nil
}

func groupRoom(dir string) (int, error) {
	most, err1 := readNumber(dir + "/pids.max")
	used, err2 := readNumber(dir + "/pids.current")
	return most - used, errors.Join(err1, err2)
}

// readNumber reads a file that is a number; "max" is a large one.
func readNumber(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	word := strings.TrimSpace(string(text))
	if word == "max" {
		return 1 << 30, nil
	}
	return strconv.Atoi(word)
}

// pidsGroups are the cgroups of a process whose pids.max counts for it: its own and
// those above, of version 1 and of version 2.
func pidsGroups(proc string) (dirs []string) {
	mounts, err := os.Open(proc + "/mountinfo")
	if err != nil {
		return nil
	}
	defer mounts.Close()
	groups, err := os.ReadFile(proc + "/cgroup")
	if err != nil {
		return nil
	}
	for in := bufio.NewScanner(mounts); in.Scan(); {
		// 36 35 98:0 ROOT POINT options - TYPE source superoptions: proc_pid_mountinfo(5)
		f := strings.Fields(in.Text())
		dash := -1
		for i, word := range f {
			if word == "-" {
				dash = i
			}
		}
		if dash < 6 || len(f) < dash+4 {
			continue
		}
		root, point, kind, options := f[3], f[4], f[dash+1], f[dash+3]
		var own string
		switch {
		case kind == "cgroup2":
			own = groupOf(string(groups), "")
		case kind == "cgroup" && strings.Contains(","+options+",", ",pids,"):
			own = groupOf(string(groups), "pids")
		}
		beneath, ok := strings.CutPrefix(own, strings.TrimSuffix(root, "/"))
		if !ok || own == "" || beneath != "" && beneath[0] != '/' {
			continue // not below what is mounted there
		}
		for dir := filepath.Join(point, beneath); ; dir = filepath.Dir(dir) {
			if _, err := groupRoom(dir); err == nil {
				dirs = append(dirs, dir)
			}
			if dir == point || len(dir) <= len(point) {
				break
			}
		}
	}
	return dirs
}

// groupOf is the path of the cgroup that has this controller; version 2 is the one
// without a name. cgroups(7).
func groupOf(text, controller string) string {
	for line := range strings.Lines(text) {
		part := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(part) == 3 && strings.Contains(","+part[1]+",", ","+controller+",") {
			return part[2]
		}
	}
	return ""
}

// A threadGate reports whether one more thread can be made. It is used by one thread.
type threadGate struct {
	limits []taskLimit
	left   int       // that may be made before the next look
	looked time.Time // at the limits
}

// lookEvery is how long others may begin threads of theirs unseen.
const lookEvery = 50 * time.Millisecond

// take takes one thread, or says which limit has none.
func (g *threadGate) take() (limit string, ok bool) {
	if g.left == 0 || time.Since(g.looked) > lookEvery {
		room, limit := g.look()
		if room <= 0 {
			g.left = 0
			return limit, false
		}
		g.left, g.looked = (room+1)/2, time.Now() // half: others count too
	}
	g.left--
	return "", true
}

// look is how many threads may be made besides the spare ones, and by which limit.
func (g *threadGate) look() (room int, limit string) {
	room = maxThreads
	for _, l := range g.limits {
		if n, err := l.room(); err == nil && n-spareThreads() < room {
			room, limit = n-spareThreads(), l.name
		}
	}
	return room, limit
}

// runThreads serves each connection on a thread of its own.
func (s *Server) runThreads() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var threads sync.WaitGroup
	defer threads.Wait()
	gate := threadGate{limits: taskLimits()}
	w := s.worker(0)
	return s.acceptBlocking(w, func(c *conn) {
		limit, ok := gate.take()
		if !ok {
			w.noThread(c, limit)
			return
		}
		began := make(chan struct{})
		threads.Go(func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with its connection
			close(began)
			s.worker(0).serve(c)
		})
		<-began // the next look counts it
	})
}

// noThread answers a connection that gets no thread, on the thread that accepts, so
// nobody is waited for: what has come is read, and the connection stays for a while, so
// that what comes later does not take the answer away.
func (w *worker) noThread(c *conn, limit string) {
	w.turn(c)
	w.hurry = true
	for range maxDiscarded / len(w.in) {
		if n, errno := w.recv(c, w.in); n <= 0 || errno != 0 {
			break
		}
	}
	w.hurry = false
	w.recall(c)
	a := w.fault(&w.req, 503, fmt.Sprintf("there is no thread left for this connection: %s (RFC 9110 section 15.6.4)", limit))
	a.close = true
	w.reply(c, &w.req, a)
	w.counted()
	w.send(c, w.out[w.from:])
	w.out = w.out[:w.from]
	e := w.event(NoThread, c)
	e.Why = limit
	w.tell(e)
	w.server.blocking.forget(c)
	if w.server.late.Add(1) > turnedAway {
		w.server.late.Add(-1)
		w.end(c)
		return
	}
	w.shutdown(c)
	fd := c.fd
	w.drop(c)
	w.gone(c)
	time.AfterFunc(LingerTime, func() {
		unix.Close(fd)
		w.server.late.Add(-1)
	})
}

// maxDiscarded is how many bytes of a request are read that gets a 503 at once.
const maxDiscarded = 1 << 20
