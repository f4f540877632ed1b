package page

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fd3/httpmini"
)

// Visit is a request and its connection, as the server sees them. The page at /
// shows them to their visitor.
type Visit struct {
	Method  string
	Request []byte           // as it arrived; perhaps only the beginning of a long body
	Tokens  []httpmini.Token // of Request; they may reach further than its bytes

	// Received is the number of bytes of Request that each recvfrom(2) brought, in order.
	Received []int

	FD         int    // of the connection, in the server
	PID, TID   int    // of the server, and of the thread that serves this connection
	Connection uint64 // which connection this is since the server started, from 1
	Number     uint64 // which request this is on the connection, from 1
	Loop       string // iterative, threads or epoll

	// Local and Peer are the server's end and the client's, as 127.0.0.1:8080 or
	// [::1]:8080. For a Unix socket they are paths, empty where it has no name.
	Local, Peer string
	Unix        bool

	Facts []Fact

	// Calls are those that the server made for this connection, in order, without
	// the one that will send the page. Dropped says how many are not among them
	// any more; they came right after the first.
	Calls   []Call
	Dropped int
}

// Fact is one thing that the kernel said about the connection.
type Fact struct {
	Name    string // such as tcpi_rtt
	Value   string // with its unit
	Meaning string // a short sentence
	Source  string // where it was read, such as TCP_INFO
}

// Call is one system call that the server made.
type Call struct {
	Strace string        // as strace(1) writes it, its bytes masked by a Masker
	Took   time.Duration // wall time inside the call
}

// The page is bounded whatever is handed in: the bytes that are drawn of a head
// and of a body, and the receives that are marked in them, and the calls.
const (
	maxHead     = 8 << 10
	maxBody     = 1 << 10
	maxReceives = 32
	maxCalls    = 100
)

// Page returns the page that shows the visit, and its content type.
func (v Visit) Page(html bool) (contentType string, body []byte) {
	return render("visit", html, v.view())
}

// visitView holds the values of the templates visit.html and visit.txt.
type visitView struct {
	Visit
	Client, Server end
	Head, Body     []line
	Size, BodySize int // of the request, and of the body in it, in bytes
	HeadLeft       int // bytes that are not drawn
	BodyLeft       int
	Masked         bool
	Marked         []int // Received, where the receives are marked in the bytes
	Kinds          []kind
	Calls          []callView    // the first and the last of Visit.Calls
	Total          time.Duration // of the listed calls
	Curl, URL      string        // for the visitor's shell
}

// end is one end of the connection.
type end struct {
	Address, Port string
}

// kind is a row of the legend.
type kind struct {
	Name, Class, Meaning string
}

type callView struct {
	Call
	Name, Rest string // Strace, in two parts
}

func (v Visit) view() visitView {
	v.Method, v.Loop = visible(v.Method), visible(v.Loop)
	w := visitView{Visit: v, Marked: v.Received}
	if len(v.Received) > maxReceives {
		w.Marked = nil
	}
	w.bytes()
	w.ends()
	w.Visit.Facts = slices.Clone(v.Facts)
	for i := range w.Facts {
		f := &w.Visit.Facts[i]
		f.Name, f.Value, f.Source = visible(f.Name), visible(f.Value), visible(f.Source)
		f.Meaning = sentence(visible(f.Meaning))
	}
	left := max(0, len(v.Calls)-maxCalls)
	w.Dropped += left
	for i, c := range v.Calls {
		if 0 < i && i <= left {
			continue
		}
		c.Strace = visible(c.Strace)
		name, _, _ := strings.Cut(c.Strace, "(")
		w.Calls = append(w.Calls, callView{c, name, c.Strace[len(name):]})
		w.Total += c.Took
	}
	return w
}

// kinds are the tokens in a sentence each, by their names.
var kinds = sync.OnceValue(func() map[string]string { return words("kinds.words") })

// bytes draws the head and the body.
func (w *visitView) bytes() {
	masked := mask(w.Request, w.Tokens)
	w.Masked = !bytes.Equal(masked, w.Request)
	named := false // the pieces of the body are, as those of a chunked one
	w.Size = len(masked)
	if n := len(w.Tokens); n > 0 {
		w.Size = w.Tokens[n-1].End
	}
	headSize := w.Size
	for i, t := range w.Tokens {
		if t.Kind == httpmini.EmptyLine && headSize == w.Size {
			headSize = t.End
			named = i+1 < len(w.Tokens) && w.Tokens[i+1].Kind != httpmini.MessageBody
		}
		name := t.Kind.String()
		if !slices.ContainsFunc(w.Kinds, func(k kind) bool { return k.Name == name }) {
			w.Kinds = append(w.Kinds, kind{name, class(t.Kind), kinds()[name]})
		}
	}
	w.BodySize = w.Size - headSize

	end := min(headSize, len(masked), maxHead)
	w.Head = cut(masked, w.Tokens, w.Marked, 0, end)
	w.HeadLeft = headSize - end
	name(w.Head)
	if w.BodySize > 0 {
		end = max(headSize, min(w.Size, len(masked), headSize+maxBody))
		w.BodyLeft = w.Size - end
		w.Body = cut(masked, w.Tokens, w.Marked, min(headSize, len(masked)), min(end, len(masked)))
		if named {
			name(w.Body)
		}
	}
}

// ends takes the addresses apart, and makes a URL for curl of the server's.
func (w *visitView) ends() {
	w.Curl = "curl"
	if w.Unix {
		w.Client, w.Server = end{Address: visible(w.Peer)}, end{Address: visible(w.Local)}
		w.Curl += " --unix-socket " + shell(visible(w.Local))
		w.URL = "http://localhost/"
		return
	}
	w.Client, w.Server = endOf(visible(w.Peer)), endOf(visible(w.Local))
	// The zone of a link-local address is encoded in a URL: RFC 6874 section 2.
	w.URL = shell("http://" + strings.ReplaceAll(visible(w.Local), "%", "%25") + "/")
}

func endOf(address string) end {
	colon := strings.LastIndexByte(address, ':')
	if colon < 0 {
		return end{Address: address}
	}
	return end{address[:colon], address[colon+1:]}
}

// shell is a word as a shell reads it.
func shell(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/:._-+,@", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Sizes lists the bytes of each receive, such as "16, 300 and 32", the first
// few of them.
func (w visitView) Sizes() string {
	const few = 8
	var b strings.Builder
	for i, n := range w.Received {
		switch {
		case i == few:
			return b.String() + ", …"
		case i > 0 && i == len(w.Received)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(n))
	}
	return b.String()
}
