package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A silence is what a client's kernel does when nobody answers its SYN.
type silence struct {
	Pauses []time.Duration // before each SYN that is sent again, and before the end
	Errno  unix.Errno      // SO_ERROR in the end
	Denied string          // what could not be set up
}

// A SYN that nobody answers goes out again, as often and with such pauses as SYNsAgain
// and the words about tcp_syn_linear_timeouts say: the first pause is about a second, so
// many do not grow, the others double. Each of the kernel's clocks is in a namespace of
// its own, where the sysctls are other ones.
func TestSYNsAgain(t *testing.T) {
	for _, test := range []struct{ retries, linear, again int }{{1, 1, 2}, {1, 2, 2}} {
		t.Run(fmt.Sprintf("%d+%d", test.retries, test.linear), func(t *testing.T) {
			t.Parallel()
			if got := SYNsAgain(test.retries, test.linear); got != test.again {
				t.Errorf("SYNsAgain says %d", got)
			}
			var s silence
			env := []string{fmt.Sprintf("FD3_KERNEL_SYN=%d %d", test.retries, test.linear)}
			_, line := startWith(t, "syn", env, ownNet(unix.CLONE_NEWUSER|unix.CLONE_NEWNET))
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if s.Denied != "" {
				t.Skip(s.Denied)
			}
			if len(s.Pauses) != test.again+1 || s.Errno != unix.ETIMEDOUT {
				t.Fatalf("sent again %d times, then %v; want %d and ETIMEDOUT: %v", len(s.Pauses)-1, s.Errno, test.again, s.Pauses)
			}
			want := time.Second
			for i, pause := range s.Pauses {
				if i > test.linear {
					want *= 2
				}
				if pause < want*7/10 || pause > want*3/2 {
					t.Errorf("pause %d is %v and not about %v: %v", i+1, pause, want, s.Pauses)
				}
			}
		})
	}
}

// The kernel's usual numbers, which take two minutes: 1 s five times, then 2, 4, 8, 16,
// 32 and 64 s.
func TestSYNsAgainAsUsual(t *testing.T) {
	for _, test := range []struct{ retries, linear, again int }{{6, 4, 10}, {6, 0, 6}, {2, 4, 5}, {20, 0, 20}} {
		if got := SYNsAgain(test.retries, test.linear); got != test.again {
			t.Errorf("%d+%d: %d, want %d", test.retries, test.linear, got, test.again)
		}
	}
}

// synsAgain is the child: a client whose SYN comes to a full accept queue.
func synsAgain() string {
	var s silence
	must := func(doing string, err error) {
		if err != nil && s.Denied == "" {
			s.Denied = fmt.Sprintf("%s: %v", doing, err)
		}
	}
	var retries, linear int
	fmt.Sscan(os.Getenv("FD3_KERNEL_SYN"), &retries, &linear)
	must("lo up", loopbackUp())
	must("tcp_syn_retries", setSysctl("ipv4/tcp_syn_retries", retries))
	if err := setSysctl("ipv4/tcp_syn_linear_timeouts", linear); linear > 0 || err != unix.ENOENT { // Linux 6.5
		must("tcp_syn_linear_timeouts", err)
	}
	listening, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	must("socket", err)
	must("bind", unix.Bind(listening, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must("listen", unix.Listen(listening, 0)) // room for one
	at, err := unix.Getsockname(listening)
	must("getsockname", err)
	var fd int
	var began time.Time
	for range 2 {
		fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
		must("socket", err)
		began = time.Now()
		if err := unix.Connect(fd, at); err != unix.EINPROGRESS {
			must("connect", err)
		}
	}
	for again := uint32(0); s.Denied == ""; {
		info, err := unix.GetsockoptTCPInfo(fd, unix.SOL_TCP, unix.TCP_INFO)
		must("TCP_INFO", err)
		over := info.State == unix.BPF_TCP_CLOSE
		if now := time.Now(); over || info.Total_retrans > again {
			s.Pauses = append(s.Pauses, now.Sub(began))
			again, began = info.Total_retrans, now
		}
		if over {
			errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
			must("SO_ERROR", err)
			s.Errno = unix.Errno(errno)
			break
		}
		unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10)
	}
	line, _ := json.Marshal(s)
	return string(line)
}

// loopbackUp brings up lo in a new network namespace.
func loopbackUp() error {
	control, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(control)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(control, unix.SIOCSIFFLAGS, lo)
}

// setSysctl writes a setting of the caller's network namespace.
func setSysctl(path string, value int) error {
	fd, err := unix.Open("/proc/sys/net/"+path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(strconv.Itoa(value)))
	return err
}
