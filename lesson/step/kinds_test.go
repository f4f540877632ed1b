package step

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson"
	"fd3/sockets"
)

// foreign are words that are false of a kind of socket, unless a sentence compares it
// with another.
var foreign = map[string]*regexp.Regexp{
	"UDP":            regexp.MustCompile(`\bSYN\b|\bFIN\b|\bRST\b|handshake|ss -l?t|ss -x|accept queue|is connected|connection is open|TIME_WAIT`),
	"unix stream":    regexp.MustCompile(`\bSYN\b|\bFIN\b|\bRST\b|handshake|ss -[lau]*[tu]|\bport\b|loopback|ICMP|acknowledged`),
	"unix datagrams": regexp.MustCompile(`\bSYN\b|\bFIN\b|\bRST\b|handshake|ss -[lau]*[tu]|\bport\b|loopback|ICMP|acknowledged|accept queue|may be lost`),
}

// ofFiles are words that are false of a socket with an abstract name.
var ofFiles = regexp.MustCompile(`^The file|makes? the file|made a file|^The kernel made a file|ls -l @|--unix-socket|write permission`)

// comparison is a sentence that says how another kind differs.
var comparison = regexp.MustCompile(`\b(TCP|UDP)\b|[Nn]o port`)

// tellKinds takes every step on each kind of socket, and expects nothing to be told of it
// that holds only for another kind. It returns all that was told.
func tellKinds(t *testing.T) (told []string) {
	for kind, play := range map[string]func(*testing.T, *stagehand){
		"UDP":            playDatagrams(unix.AF_INET),
		"unix datagrams": playDatagrams(unix.AF_UNIX),
		"unix stream":    playUnixStream,

		"abstract stream":    playAbstractStream,
		"abstract datagrams": playAbstractDatagrams,
	} {
		for _, level := range []lesson.Explain{lesson.Full, recapOnly} {
			t.Run(strings.ReplaceAll(kind, " ", "-"), func(t *testing.T) {
				h := newStagehand(t)
				h.explain = level
				play(t, h)
				h.closeAll()
				for _, e := range h.events {
					told = append(told, e.Text)
					for sentence := range strings.SplitSeq(strings.ReplaceAll(e.Text+". "+e.Command, "\n", " "), ". ") {
						words := foreign[kind]
						if words == nil {
							words = ofFiles
						}
						if word := words.FindString(sentence); word != "" && !comparison.MatchString(sentence) {
							t.Errorf("%s, %s: %q in %q", e.Step, e.Section+e.Name+e.Fact, word, sentence)
						}
					}
				}
			})
		}
	}
	return told
}

func playDatagrams(domain int) func(*testing.T, *stagehand) {
	return func(t *testing.T, h *stagehand) {
		mine, theirs := loopback(0), loopback(0)
		if domain == unix.AF_UNIX {
			mine, theirs = sockets.UnixSockaddr(socketPath(t)), sockets.UnixSockaddr(socketPath(t))
		}
		short := timeout(10 * time.Millisecond)
		h.do("socket", dgram, family(domain))
		h.do("setsockopt")
		h.do("bind", to(mine))
		h.fails("listen", "EOPNOTSUPP", only)
		h.fails("accept", "EOPNOTSUPP", only)
		h.fails("recv", "EAGAIN", short)
		h.do("connect")
		h.do("send", asClient)
		h.do("recv")
		if domain == unix.AF_UNIX {
			h.fails("send", "ENOTCONN") // the sender has no name
		}
		h.do("close", asClient)
		h.do("socket", asClient)
		h.do("bind", asClient, to(theirs))
		h.do("connect")
		h.do("send", asClient)
		h.do("recv")
		h.do("send")
		h.do("recv", asClient)
		h.do("shutdown", asClient, how(unix.SHUT_RD))
		h.do("recv", asClient)
		h.do("shutdown", asClient)
		h.fails("send", "EPIPE", asClient)
		h.do("shutdown", asClient, how(unix.SHUT_RDWR))
		h.do("close", asClient)
		h.do("connect", count(3))
		h.do("close")
		h.do("socket", family(domain), dgram)
		if domain == unix.AF_UNIX {
			h.do("shutdown", only)
		}
	}
}

func playUnixStream(t *testing.T, h *stagehand) {
	short := timeout(10 * time.Millisecond)
	path := to(sockets.UnixSockaddr(socketPath(t)))
	h.do("socket", family(unix.AF_UNIX))
	h.do("shutdown", only)
	h.do("close", only)
	h.do("socket", family(unix.AF_UNIX))
	h.do("setsockopt")
	h.fails("recv", "EINVAL", only)
	h.do("bind", path)
	h.do("listen", backlog(1<<20))
	h.do("listen", backlog(1))
	h.fails("accept", "EAGAIN", short)
	h.do("connect", count(3))
	h.do("accept")
	h.fails("recv", "EAGAIN", short)
	h.do("send", asClient)
	h.do("recv")
	h.do("send")
	h.do("recv", asClient)
	served := fd(h.clientSockets()[0].FD)
	h.do("send", asClient)
	h.do("shutdown")
	h.do("recv", asClient)
	h.do("send", asClient)
	h.do("shutdown", asClient, how(unix.SHUT_RD))
	h.fails("send", "EPIPE")
	h.do("close")
	h.fails("recv", "ECONNRESET", asClient, served)
	h.fails("send", "EPIPE", asClient, served)
	h.do("close", asClient)
	h.do("close")
}

func playAbstractStream(t *testing.T, h *stagehand) {
	name := to(parse(t, fmt.Sprintf("unix:@fd3 test %d", unix.Getpid())))
	h.fails("connect", "ECONNREFUSED", name)
	h.do("socket", family(unix.AF_UNIX))
	h.do("bind", name)
	h.do("socket", family(unix.AF_UNIX))
	h.fails("bind", "EADDRINUSE", name, only)
	h.do("close", only)
	h.do("listen")
	h.do("connect")
	h.do("accept")
	h.do("close")
	h.do("close")
	h.do("socket", family(unix.AF_UNIX)) // and the name is free again
	h.do("bind", name)
	h.do("close", only)
}

func playAbstractDatagrams(t *testing.T, h *stagehand) {
	name := to(parse(t, fmt.Sprintf("unix:@fd3 test %d", unix.Getpid())))
	h.fails("connect", "ECONNREFUSED", dgram, name)
	h.do("bind", dgram, name)
	h.do("socket", dgram, asClient)
	h.do("connect")
	h.do("send", asClient)
	h.do("recv")
	h.do("close")
	h.do("socket", asClient, dgram, family(unix.AF_UNIX))
	h.fails("send", "ECONNREFUSED", asClient, name, only)
}

// Of several clients on a Unix socket the one that is served is the one that was
// accepted: what it sends is what the server reads.
func TestServedClientOfSeveralOnUnix(t *testing.T) {
	h := newStagehand(t)
	h.do("bind", to(sockets.UnixSockaddr(socketPath(t))))
	h.do("listen")
	h.do("connect", count(3))
	for range 3 {
		h.do("accept")
		h.do("send", asClient)
		h.do("recv", timeout(10*time.Millisecond))
	}
}
