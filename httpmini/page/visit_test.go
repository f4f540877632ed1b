package page

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"fd3/httpmini"
)

const browserRequest = "GET /?q=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: curl/8\r\nCookie: k=s3cr3t\r\n\r\n"

// Every value of a visit is on both pages, and nothing of a secret.
func TestVisitShowsWhatItWasGiven(t *testing.T) {
	v := visit(browserRequest)
	for _, html := range []bool{false, true} {
		_, body := v.Page(html)
		page := string(body)
		for _, want := range []string{
			"You are descriptor", "127.0.0.1", "54321", "8080", "4242", "4245", "12", "epoll_pwait(2)",
			"82 bytes arrived", "2 calls of recvfrom(2)", "20 and 62", "tcpi_rtt", "18 µs", "A round trip.", "TCP_INFO",
			"recvfrom", "2.1 µs", `HTTP/1.1`, "*", "/proc/4242/fd", "strace -f -p 4242",
		} {
			if !strings.Contains(strings.Join(strings.Fields(page), " "), want) {
				t.Errorf("html %v: no %q in\n%s", html, want, page)
			}
		}
		if strings.Contains(page, "s3cr3t") || !strings.Contains(page, "********") {
			t.Errorf("html %v: the cookie is shown", html)
		}
	}
	_, body := v.Page(false)
	for _, want := range []string{
		"  you 127.0.0.1 port 54321  <->  127.0.0.1 port 8080 the server\n",
		"        -- receive 2: 62 bytes --\n    20  Host: 127.0.0.1:8080\\r\\n\n",
		"  ss -tnpi 'sport = :8080 and dport = :54321'\n",
		"  curl -v http://127.0.0.1:8080/ http://127.0.0.1:8080/\n",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	v.Received = []int{len(browserRequest)}
	_, body = v.Page(false)
	want := `
     0  GET /?q=1 HTTP/1.1\r\n
        |  ||     |       CRLF
        |  ||     version
        |  |target
        |  space
        method
    20  Host: 127.0.0.1:8080\r\n
        |   |||             CRLF
        |   ||field value
        |   |optional whitespace
        |   colon
        field name
    42  User-Agent: curl/8\r\n
    62  Cookie: ********\r\n
    80  \r\n
        empty line
`
	if !strings.Contains(string(body), want) {
		t.Errorf("%s", body)
	}
}

// What was not given is not spoken of.
func TestVisitSaysNoMore(t *testing.T) {
	v := Visit{Method: "GET", Request: []byte("GET / HTTP/1.0\r\n\r\n"), Tokens: parse("GET / HTTP/1.0\r\n\r\n"), Unix: true, Number: 1}
	for _, html := range []bool{false, true} {
		_, body := v.Page(html)
		for _, no := range []string{"TCP_INFO", "strace(1)", "recvfrom(2)", "loop", "masked", "BODY", "body of", "not drawn", "left out", " port "} {
			if strings.Contains(string(body), no) && !(no == " port " && html) {
				t.Errorf("html %v: it says %q:\n%s", html, no, body)
			}
		}
	}
}

func TestVisitBody(t *testing.T) {
	content := "two lines,\n<b>one</b> body\x00\x1b"
	v := visit(fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(content), content))
	v.Method = "POST"
	_, text := v.Page(false)
	_, html := v.Page(true)
	for _, want := range []string{"THE BODY OF YOUR POST", `two lines,\n`, `<b>one</b> body\x00\x1b`, fmt.Sprint(len(content), " bytes came behind the head.")} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.Contains(string(html), `&lt;b&gt;one&lt;/b&gt; body\x00\x1b`) {
		t.Errorf("%s", html)
	}
	// Of a long one the server keeps the beginning only.
	v = visit("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 5000))
	v.Tokens[len(v.Tokens)-1].End = len(v.Request) - 5000 + 1000000
	_, text = v.Page(false)
	if want := "1000000 bytes came behind the head. The last 998976 of them are not drawn."; !strings.Contains(string(text), want) {
		t.Errorf("%s", text)
	}
	if n := strings.Count(string(text), "x"); n < maxBody || n > maxBody+50 {
		t.Errorf("%d bytes of the body are drawn", n)
	}
}

// The pages of the largest requests have an end.
func TestVisitIsBounded(t *testing.T) {
	request := "GET /" + strings.Repeat("a", 7000) + " HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("\xff", 200)+"\r\n", 90) + "\r\n"
	v := visit(request)
	v.Received = nil
	for range request {
		v.Received = append(v.Received, 1)
	}
	v.Calls = nil
	for i := range 100000 {
		v.Calls = append(v.Calls, Call{fmt.Sprintf("call%d(", i) + strings.Repeat("x ", 50) + ") = 0", time.Microsecond})
	}
	start := time.Now()
	_, html := v.Page(true)
	_, text := v.Page(false)
	if took := time.Since(start); took > 10*time.Second { // quadratic would be more
		t.Errorf("it took %v", took)
	}
	if len(html) > 512<<10 || len(text) > 128<<10 {
		t.Errorf("%d and %d bytes", len(html), len(text))
	}
	for _, want := range []string{"more bytes of the head are not drawn", "call0(", "call99901(", "call99999(", "99900 calls after the first are left out", "calls of recvfrom(2): 1, 1, 1, 1, 1, 1, 1, 1, …"} {
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(string(text), "call99900(") || strings.Contains(string(text), "call1(") {
		t.Error("a call that was left out is there")
	}
}

// Every byte is drawn once, whatever the tokens and the receives are.
func FuzzCut(f *testing.F) {
	f.Add([]byte(browserRequest), 20, 7, 0, 80)
	f.Add([]byte("GET / HTTP/1.1\r\n\n\n\r\r\n"), 1, 1, 3, 9)
	f.Add([]byte("\\\\x00\\r"), -1, 0, 0, 5)
	f.Fuzz(func(t *testing.T, b []byte, first, second, from, to int) {
		to = min(max(to, 0), len(b))
		from = min(max(from, 0), to)
		tokens := parse(string(b))
		lines := cut(b, tokens, []int{first, second}, from, to)
		at, drawn := from, ""
		for _, l := range lines {
			if l.Offset != at {
				t.Fatalf("a line at %d, want %d", l.Offset, at)
			}
			for i, p := range l.Pieces {
				if p.Start != at || p.End <= at {
					t.Fatalf("a piece at %d to %d, want %d", p.Start, p.End, at)
				}
				at = p.End
				drawn += p.Text
				if last := i == len(l.Pieces)-1; (b[p.End-1] == '\n') != last && at != to {
					t.Fatalf("the line at %d ends wrong", l.Offset)
				}
			}
			for row := range strings.SplitSeq(rows(l, []int{first, second}, from, "here"), "\n") {
				if columns(row) > width {
					t.Fatalf("%d columns: %q", columns(row), row)
				}
			}
			for row := range strings.SplitSeq(callouts(l), "\n") {
				if columns(row) > width {
					t.Fatalf("%d columns: %q", columns(row), row)
				}
			}
		}
		if at != to || drawn != octets(b[from:to]) {
			t.Fatalf("drawn: %q", drawn)
		}
	})
}

// The commands on the page are what a shell takes for one command, with the
// words that were meant, also where a line of them was broken.
func TestCommands(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh")
	}
	v := visit(browserRequest)
	for _, local := range []string{"127.0.0.1:8080", "[::1]:8080", "[fe80::5054:ff:fe12:3456%eth0]:8080", "/run/it's here/a b.sock", "/run/" + strings.Repeat("n", 90)} {
		v.Local, v.Unix = local, local[0] == '/'
		_, body := v.Page(false)
		_, list, _ := strings.Cut(string(body), "TRY NEXT, FROM WHERE YOU ARE")
		lines := strings.Split(list, "\n")
		ran := 0
		for i := 0; i < len(lines); i++ {
			if !strings.HasPrefix(lines[i], "  curl") {
				continue
			}
			command := lines[i]
			for strings.HasSuffix(lines[i], `\`) {
				i++
				command += "\n" + lines[i]
			}
			ran++
			if len(local) > 80 {
				continue // a word that is longer than a line
			}
			out, err := exec.Command("sh", "-c", "curl() { printf '<%s>' \"$@\"; }\n"+command).CombinedOutput()
			want := "<http://" + strings.ReplaceAll(local, "%", "%25") + "/>"
			if v.Unix {
				want = "<--unix-socket><" + local + ">"
			}
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s\n -> %s, %v", command, out, err)
			}
		}
		if ran != 5 {
			t.Errorf("%s: %d commands", local, ran)
		}
	}
}

// The field that the page tells the visitor to send is refused as it says.
func TestStrangeField(t *testing.T) {
	var r httpmini.Request
	_, err := r.Parse([]byte("GET / HTTP/1.1\r\nHost: a\r\nStrange : field\r\n\r\n"), nil)
	if bad, ok := err.(*httpmini.BadError); !ok || bad.Status != 400 || !strings.Contains(bad.Why, "colon") {
		t.Errorf("%v", err)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0 ns", 812: "812 ns", 2140: "2.1 µs", 4200 * time.Microsecond: "4.2 ms", 2310 * time.Millisecond: "2.31 s", time.Minute: "60.00 s"} {
		if got := duration(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}

func BenchmarkVisit(b *testing.B) {
	v := visit(browserRequest)
	b.ReportAllocs()
	for b.Loop() {
		v.Page(true)
	}
}
