package glossary

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"fd3/lesson/course"
)

func TestEveryEntryIsReached(t *testing.T) {
	named := make(map[string]bool)
	for _, e := range glossary().entries {
		for _, name := range append(e.Aliases, e.Word) {
			if found, ok := LookUp(name); !ok || found.Word != e.Word {
				t.Errorf("%q leads to %q, not to %q", name, found.Word, e.Word)
			}
		}
		for _, also := range e.Also {
			named[also] = true
		}
	}
	for _, e := range glossary().entries {
		if !named[e.Word] {
			t.Errorf("no entry names %q as near", e.Word)
		}
	}
}

// stressed are words that lessons print in bold because they matter there, and that
// are no terms.
var stressed = []string{"lowest free", "loop"}

// A word that a lesson prints in bold is a term, which fd3 explain knows. Bold words
// with a full stop are the titles of the faults.
func TestEveryTermOfALessonIsAnEntry(t *testing.T) {
	bold := regexp.MustCompile(`(?s)\*\*(.+?)\*\*`)
	for _, l := range course.All() {
		for _, found := range bold.FindAllStringSubmatch(l.Words, -1) {
			term := strings.Join(strings.Fields(strings.ReplaceAll(found[1], "`", "")), " ")
			if strings.HasSuffix(term, ".") || slices.Contains(stressed, term) {
				continue
			}
			if _, ok := LookUp(term); !ok {
				t.Errorf("%s: %q is no entry", l.ID, term)
			}
		}
	}
}

func TestLookUp(t *testing.T) {
	for asked, want := range map[string]string{
		"accept queue": "accept queue", "Accept  Queue": "accept queue", "accept-queue": "accept queue",
		"time_wait": "TIME_WAIT", "TIME-WAIT": "TIME_WAIT", "time wait": "TIME_WAIT", "sockets": "socket",
		"listen": "listen", "listen(2)": "listen", "listen()": "listen", "LISTEN": "LISTEN state", "listener": "LISTEN state",
		"close": "close", "accept": "accept4", "recv": "recvfrom", "SYNs": "SYN", "ss": "ss", "INADDR_ANY": "wildcard",
		"EADDRINUSE": "EADDRINUSE", "eaddrinuse": "EADDRINUSE", "98": "EADDRINUSE", "EWOULDBLOCK": "EAGAIN", "11": "EAGAIN",
		"SHUT_WR": "shutdown", "405": "method", "501": "method", "SO_SNDTIMEO": "SO_RCVTIMEO", "header": "header", "fields": "header field",
		"95": "EOPNOTSUPP", "ENOTSUP": "EOPNOTSUPP", "ENOMEM": "ENOMEM", "eperm": "EPERM", "1": "EPERM", "ENFILE": "ENFILE",
	} {
		if e, ok := LookUp(asked); !ok || e.Word != want {
			t.Errorf("%q leads to %q, not to %q", asked, e.Word, want)
		}
	}
	for _, asked := range []string{"", " ", "0", "-1", "4096", "backlg", "s", "(", "E", "unheard of"} {
		if e, ok := LookUp(asked); ok {
			t.Errorf("%q leads to %q", asked, e.Word)
		}
	}
	for asked, want := range map[string]string{"backlg": "backlog", "EADRINUSE": "EADDRINUSE", "TIME_WIAT": "TIME_WAIT", "queue": "accept queue", "EHOSTUNREACHABLE": "EHOSTUNREACH", "buffer": "send buffer"} {
		if near := Near(asked); !slices.Contains(near, want) {
			t.Errorf("near %q are %q, not %q", asked, near, want)
		}
	}
	if near := Near("unheard of"); near != nil {
		t.Errorf("near nothing: %q", near)
	}
}
