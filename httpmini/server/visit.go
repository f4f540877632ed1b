package server

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/sockets"
	"fd3/sockets/kernel"
)

// visit is what the visitor's page shows of their connection.
type visit struct {
	calls    []page.Call // accept4 and the last of what followed, secrets masked
	dropped  int         // calls that are not in calls any more
	bytes    []byte      // of the request that is being read, as they arrived
	received []int       // how many bytes each recvfrom(2) brought
}

const (
	maxVisitCalls = 64
	maxExcerpt    = 4 << 10 // of the content of a request
	maxReceives   = 1 << 14 // in which a request may arrive
	maxVisitBytes = httpmini.MaxHead + maxExcerpt
)

// remember keeps a call for the visitor's page.
func (w *worker) remember(c *conn, call sockets.Call) {
	v := &c.seldom().visit
	if len(v.calls) == maxVisitCalls {
		v.calls = slices.Delete(v.calls, 1, 2) // accept4 stays
		v.dropped++
	}
	v.calls = append(v.calls, page.Call{Strace: call.Strace(), Took: call.Duration})
}

// arrived keeps bytes for the visitor's page.
func (w *worker) arrived(c *conn, b []byte) {
	if c.phase == lingering {
		return
	}
	v := &c.seldom().visit
	v.received = append(v.received, len(b))
	v.bytes = append(v.bytes, b[:min(len(b), max(maxVisitBytes-len(v.bytes), 0))]...)
}

// visited begins the next request: rest of what arrived belongs to it.
func (w *worker) visited(c *conn, rest []byte) {
	if w.root != nil {
		return
	}
	v := &c.seldom().visit
	v.bytes, v.received = append(v.bytes[:0], rest...), v.received[:0]
	if len(rest) > 0 {
		v.received = append(v.received, len(rest))
	}
}

// visitPage is the page at /: the visitor's own connection, asked of the kernel
// now.
func (w *worker) visitPage(c *conn, r *httpmini.Request, rest []byte) answer {
	if string(r.Path) != "/" {
		return w.fault(r, 404, "there is one page here, at /; with a directory, fd3 serve DIR, there are its files")
	}
	v := &c.seldom().visit
	request, tokens := v.request(len(rest))
	asked, _ := kernel.Ask(c.fd)
	seen := page.Visit{
		Method: string(r.Method), Request: request, Tokens: tokens, Received: v.received,
		FD: c.fd, PID: os.Getpid(), TID: w.tid, Connection: c.id, Number: c.requests + 1, Loop: string(w.config.Loop),
		Local: asked.Local.String(), Peer: asked.Peer.String(), Unix: asked.Domain == unix.AF_UNIX,
		Facts: facts(asked), Calls: v.calls, Dropped: v.dropped,
	}
	if seen.Unix {
		seen.Local, seen.Peer = asked.Local.Path(), asked.Peer.Path()
	}
	kind, body := seen.Page(r.PrefersHTML(false))
	return answer{status: 200, mediaType: kind, body: body, fields: append(page.VisitFields(), httpmini.FieldLine{Name: "Vary", Value: "Accept"})}
}

// request is what arrived of a request, without the bytes behind it, and what each
// byte is. Of long content only the beginning was kept, but the tokens reach to its
// end.
func (v *visit) request(behind int) ([]byte, []httpmini.Token) {
	size := -behind
	for _, n := range v.received {
		size += n
	}
	kept := v.bytes[:min(size, len(v.bytes))]
	var r httpmini.Request
	var tokens []httpmini.Token
	if n, err := r.Parse(kept, &tokens); err == nil {
		content := r.Content()
		content.Span(kept, n, &tokens)
	}
	if last := len(tokens) - 1; last >= 0 && tokens[last].End < size {
		tokens = append(tokens, httpmini.Token{Kind: httpmini.MessageBody, Start: tokens[last].End, End: size})
	}
	return kept, tokens
}

// facts are what the kernel says of a connection, with what it means.
func facts(a kernel.Asked) []page.Fact {
	const buffers = "getsockopt(2)"
	all := []page.Fact{
		{Name: "SO_RCVBUF", Value: fmt.Sprintf("%d bytes", a.RecvBuf), Source: buffers, Meaning: "memory that what has arrived may take until the server reads it"},
		{Name: "SO_SNDBUF", Value: fmt.Sprintf("%d bytes", a.SendBuf), Source: buffers, Meaning: "memory that what the server has written may take until you have it"},
	}
	if a.TCP == nil {
		return all
	}
	t := a.TCP
	const source = "TCP_INFO"
	microseconds := func(n uint32) string { return fmt.Sprintf("%d µs", n) }
	return append(all, []page.Fact{
		{Name: "tcpi_state", Value: kernel.State(t.State).String(), Source: source, Meaning: "where the connection is in its life (tcp(7))"},
		{Name: "tcpi_rtt", Value: microseconds(t.Rtt), Source: source, Meaning: "smoothed time from a segment to its acknowledgement"},
		{Name: "tcpi_min_rtt", Value: microseconds(t.Min_rtt), Source: source, Meaning: "the shortest of them so far"},
		{Name: "tcpi_rto", Value: microseconds(t.Rto), Source: source, Meaning: "how long the server's kernel waits until it sends a segment again"},
		{Name: "tcpi_snd_mss", Value: fmt.Sprintf("%d bytes", t.Snd_mss), Source: source, Meaning: "the most data that one segment carries to you"},
		{Name: "tcpi_rcv_mss", Value: fmt.Sprintf("%d bytes", t.Rcv_mss), Source: source, Meaning: "what the kernel takes your segments to be at most"},
		{Name: "tcpi_pmtu", Value: fmt.Sprintf("%d bytes", t.Pmtu), Source: source, Meaning: "the largest packet on the way to you, as far as is known"},
		{Name: "tcpi_snd_cwnd", Value: fmt.Sprintf("%d segments", t.Snd_cwnd), Source: source, Meaning: "how many may be on their way before one is acknowledged"},
		{Name: "tcpi_bytes_received", Value: fmt.Sprintf("%d bytes", t.Bytes_received), Source: source, Meaning: "what you have sent on this connection"},
		{Name: "tcpi_bytes_acked", Value: fmt.Sprintf("%d bytes", t.Bytes_acked), Source: source, Meaning: "what of the server's you have acknowledged; an acknowledged FIN or SYN may count as one"},
		{Name: "tcpi_total_retrans", Value: fmt.Sprintf("%d segments", t.Total_retrans), Source: source, Meaning: "sent more than once"},
	}...)
}
