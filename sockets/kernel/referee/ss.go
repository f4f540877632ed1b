package referee

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A row is a socket as ss tells of it.
type row struct {
	key           string
	text          string // as socket.row has it
	local, remote string // addresses; empty for AF_UNIX
	state         string
	holders       []holder
}

// concerns reports whether a Snapshot must have the socket: one of its processes holds it
// by a descriptor that it has, or it waits at a listener of theirs, or for its answer.
func (r row) concerns(processes []process, sockets []socket) bool {
	for _, h := range r.holders {
		for _, p := range processes {
			if p.PID == h.PID && slices.ContainsFunc(p.Descriptors, func(d descriptor) bool { return d.FD == h.FD }) {
				return true
			}
		}
	}
	return slices.ContainsFunc(sockets, func(s socket) bool {
		at := s.State == "LISTEN" && len(s.Holders) > 0 && s.Local != ""
		return at && (len(r.holders) == 0 && r.local == s.Local || r.state == "SYN-SENT" && r.remote == s.Local)
	})
}

// needed are the tables that may have sockets of these processes, as options of ss: TCP's
// and, where a descriptor may be in another, all.
func needed(sockets []socket, processes []process) []string {
	tcp := make(map[string]bool)
	for _, s := range sockets {
		if strings.HasPrefix(s.Protocol, "TCP") {
			tcp[fmt.Sprintf("socket:[%d]", s.Inode)] = true
		}
	}
	for _, p := range processes {
		for _, d := range p.Descriptors {
			if strings.HasPrefix(d.Target, "socket:") && !tcp[d.Target] {
				return []string{"-HtanpOioem", "-HuanpOem", "-HxapO"}
			}
		}
	}
	return []string{"-HtanpOioem"}
}

var (
	usersOf  = regexp.MustCompile(`pid=(\d+),fd=(\d+)`)
	cookieOf = regexp.MustCompile(` sk:([0-9a-f]+)`)
	timerOf  = regexp.MustCompile(`timer:\((\w+),[^,]*,(\d+)\)`)
	bufferOf = regexp.MustCompile(`skmem:\(r\d+,rb(\d+),`)
)

// there is how a command begins that runs in the network namespace of a host, by one of
// its processes; empty where that is this process's own, or nobody runs.
func there(processes []process) (command []string) {
	for _, p := range processes {
		dir := fmt.Sprintf("/proc/%d/ns/", p.PID)
		net, err := os.Readlink(dir + "net")
		if own, _ := os.Readlink("/proc/self/ns/net"); err != nil || net == own {
			continue
		}
		command = []string{"nsenter", "--net=" + dir + "net"}
		user, _ := os.Readlink(dir + "user")
		if own, _ := os.Readlink("/proc/self/ns/user"); user != own {
			command = append(command, "--user="+dir+"user", "--preserve-credentials")
		}
		return append(command, "--")
	}
	return nil
}

// ask runs ss for each of the options, by a command that begins so.
func ask(begin, options []string) (rows []row, err error) {
	for _, option := range options {
		command := append(slices.Clone(begin), "ss", option)
		out, err := exec.Command(command[0], command[1:]...).Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.Join(command, " "), err)
		}
		for line := range strings.Lines(string(out)) {
			parse := inet
			if option == "-HxapO" {
				parse = local
			}
			rows = append(rows, parse(line, option))
		}
	}
	return rows, nil
}

func users(line string) (all []holder) {
	for _, user := range usersOf.FindAllStringSubmatch(line, -1) {
		pid, _ := strconv.Atoi(user[1])
		fd, _ := strconv.Atoi(user[2])
		all = append(all, holder{pid, fd})
	}
	return all
}

// address is an address of ss as netip writes it, without the interface that a socket is
// bound to.
func address(s string) string {
	host, port := s[:strings.LastIndex(s, ":")], s[strings.LastIndex(s, ":")+1:]
	host, _, _ = strings.Cut(host, "%")
	if port == "*" {
		port = "0"
	}
	if host == "*" {
		host = "[::]"
	}
	return host + ":" + port
}

// inet reads a row of TCP or UDP.
func inet(line, option string) row {
	f := strings.Fields(line)
	protocol := "TCP"
	if strings.HasPrefix(option, "-Hu") {
		protocol = "UDP"
	}
	r := row{holders: users(line), state: f[0], local: address(f[3]), remote: address(f[4])}
	if sk := cookieOf.FindStringSubmatch(line); sk != nil {
		cookie, _ := strconv.ParseUint(sk[1], 16, 64)
		r.key = fmt.Sprint("inet ", cookie)
	}
	timer, buffer := "", ""
	if t := timerOf.FindStringSubmatch(line); t != nil {
		timer = fmt.Sprintf(" %s %s", t[1], t[2])
	}
	if b := bufferOf.FindStringSubmatch(line); b != nil && b[1] != "0" {
		buffer = " rb" + b[1]
	}
	r.text = fmt.Sprintf("%s %s %s %s %s %s%s%s%s", protocol, f[0], f[1], f[2], r.local, r.remote, holders(r.holders), timer, buffer)
	return r
}

// local reads a row of AF_UNIX.
func local(line, _ string) row {
	f := strings.Fields(line)
	kinds := map[string]string{"u_str": "UNIX-STREAM", "u_dgr": "UNIX", "u_seq": "UNIX-SEQPACKET"}
	r := row{key: "unix " + f[5], holders: users(line)}
	sent := "-" // memory, of which a Snapshot tells at the other end
	if f[1] == "LISTEN" {
		sent = f[3]
	}
	r.text = fmt.Sprintf("%s %s %s %s %s %s %s%s", kinds[f[0]], f[1], f[2], sent, f[4], f[5], f[7], holders(r.holders))
	return r
}
