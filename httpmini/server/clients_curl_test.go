package server

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A curling is what curl is told, and a pattern of all that it says: the content of
// each answer and its end.
type curling struct {
	name string
	args []string // @ is the server, % a folder with files to send
	want string
}

// curlEnd is what curl writes after each answer: the status, how many connections
// it had to make, and how many bytes it sent as content.
const curlEnd = `<%{response_code} %{num_connects} %{size_upload}>`

// run runs curl and compares what it writes.
func (k curling) run(t *testing.T, s *served, files string) {
	t.Helper()
	args := []string{"-q", "-sS", "--noproxy", "127.0.0.1", "--max-time", "8", "-w", curlEnd}
	for _, a := range k.args {
		a = strings.Replace(a, "@/", s.url("/"), 1)
		args = append(args, strings.Replace(a, "%/", files+"/", 1))
	}
	if out := runs(t, "curl", args...); !regexp.MustCompile(`(?s)^` + k.want + `$`).MatchString(out) {
		t.Errorf("%s: curl %q: %.2000q, not %q", k.name, k.args, out, k.want)
	}
}

func words(line string) []string { return strings.Fields(line) }

var curlings = []curling{
	{"1.1", words("@/hello.txt"), "Hello, world\n<200 1 0>"},
	{"keep-alive", words("@/hello.txt @/dir/ @/hello.txt"), "Hello, world\n<200 1 0>" + page2 + "<200 0 0>Hello, world\n<200 0 0>"},
	{"Connection: close", words("-H Connection:close @/hello.txt @/hello.txt"), "Hello, world\n<200 1 0>Hello, world\n<200 1 0>"},
	{"1.0", words("-0 @/hello.txt @/hello.txt"), "Hello, world\n<200 1 0>Hello, world\n<200 1 0>"},
	{"1.0 keep-alive", words("-0 -H Connection:keep-alive @/hello.txt @/hello.txt"), "Hello, world\n<200 1 0>Hello, world\n<200 0 0>"},
	{"large", words("@/large.bin @/large.bin"), ".*" + large[len(large)-99:] + "<200 1 0>.*" + large[len(large)-99:] + "<200 0 0>"},
	{"HEAD", words("-I @/hello.txt @/hello.txt"), `HTTP/1.1 200 .*Content-Length: 13\r\n.*<200 1 0>HTTP/1.1 200 .*<200 0 0>`},
	{"HEAD of nothing", words("-I @/none"), `HTTP/1.1 404 .*\r\n\r\n<404 1 0>`},
	{"redirect", words("-L @/dir"), page2 + "<200 1 0>"},
	{"OPTIONS *", words("-X OPTIONS --request-target * @/"), "<204 1 0>"},
	{"as a proxy", words("--noproxy none -x @/ @/hello.txt"), "Hello, world\n<200 1 0>"},
	{"HTTP/2 offered", words("--http2 @/hello.txt @/hello.txt"), "Hello, world\n<200 1 0>Hello, world\n<200 0 0>"},

	{"range", words("-r 0-4 @/hello.txt"), "Hello<206 1 0>"},
	{"open range", words("-r 7- @/hello.txt"), "world\n<206 1 0>"},
	{"suffix", words("-r -6 @/hello.txt"), "world\n<206 1 0>"},
	{"ranges", words("-r 0-0,7-11 @/hello.txt"), `\r\n--(\w+)\r\n.*Content-Range: bytes 0-0/13\r\n\r\nH\r\n--\w+\r\n.*Content-Range: bytes 7-11/13\r\n\r\nworld\r\n--\w+--\r\n<206 1 0>`},
	{"ranges of a large file", words("-r 0-3,299999-300003 @/large.bin @/hello.txt"), `.*\r\n\r\n` + large[:4] + `\r\n.*\r\n\r\n` + large[299999:300004] + `\r\n--\w+--\r\n<206 1 0>Hell<206 0 0>`},
	{"no such range", words("-r 99- @/hello.txt"), `416 .*13 bytes.*<416 1 0>`},

	{"not modified since", append(words("@/hello.txt -z"), modified.Format(imfFormat)), "<304 1 0>"},
	{"modified since", append(words("@/hello.txt -z"), modified.Add(-time.Second).Format(imfFormat)), "Hello, world\n<200 1 0>"},
	{"unmodified since", append(words("@/hello.txt -z"), "-"+modified.Add(-time.Second).Format(imfFormat)), "412 .*<412 1 0>"},

	{"out by ..", words("--path-as-is @/../outside.txt @/../../../../../../etc/passwd"), "403 .*<403 1 0>403 .*<403 0 0>"},
	{"out by encoded ..", words("--path-as-is @/%2e%2e/outside.txt @/..%2foutside.txt"), "403 .*<403 1 0>404 .*<404 0 0>"},
	{"out by //", words("--path-as-is @//etc/passwd"), "404 .*<404 1 0>"},

	// Content is asked for only where it matters, so none is sent in vain; and what
	// is sent nevertheless does not take the answer from the client.
	{"upload", words("-T %/small @/hello.txt -T %/small @/new"), "405 .*<405 1 0>405 .*<405 1 0>"}, // curl expects 100-continue
	{"upload that does not wait", words("-T %/small @/hello.txt -T %/small @/new -H Expect:"), "405 .*<405 1 614400>405 .*<405 0 614400>"},
	{"chunked upload", words("-T %/small @/hello.txt -H Transfer-Encoding:chunked -H Expect:"), `405 .*<405 1 \d+>`},
	{"upload too large that waits", words("-T %/large @/hello.txt -H Expect:100-continue"), "413 .*<413 1 0>"},
	{"upload too large", words("-T %/large @/hello.txt -H Expect:"), `413 .*<413 1 \d+>`},
	{"chunked upload too large", words("-T %/large @/hello.txt -H Transfer-Encoding:chunked -H Expect:"), `413 .*<413 1 \d+>`},
	{"POST to a file", words("-d one=body @/hello.txt @/hello.txt"), "405 .*<405 1 8>405 .*<405 0 8>"},
}

// visits go to the visitor's page.
var visits = []curling{
	{"GET", words("@/ @/"), `You are .*GET / HTTP/1\.1\\r\\n.*<200 1 0>You are .*<200 0 0>`},
	{"HEAD", words("-I @/"), `HTTP/1.1 200 .*\r\n\r\n<200 1 0>`},
	{"POST", append(words("@/ -d"), "one body"), `.*Content-Length: 8\\r\\n.*BODY OF YOUR POST.* one body\n.*<200 1 8>`},
	{"chunked POST", append(words("@/ -H Transfer-Encoding:chunked -d"), "one body"), `.* 8\\r\\n.* one body\\r\\n.* 0\\r\\n.*<200 1 \d+>`},
	{"form", words("@/ -F name=value"), `.*multipart/form-data.*name="name".*value\\r\\n.*<200 1 \d+>`},
	{"large POST", words("--data-binary @%/small @/ @/ -H Expect:"), `.*BODY OF YOUR POST.*<200 1 614400>.*<200 0 614400>`},
	{"large POST that waits", words("--data-binary @%/small @/ -H Expect:100-continue"), `.*BODY OF YOUR POST.*<200 1 614400>`},
	{"POST too large", words("--data-binary @%/large @/ -H Expect:100-continue"), `413 .*<413 1 0>`},
	{"masked", words("@/ -b key=topsecret -u user:topsecret"), `.*Authorization: [ *]+\\r.*Cookie: \*+\\r.*<200 1 0>`},
	{"upload", words("-T %/small @/"), `405 .*<405 1 0>`},
}

func TestCurl(t *testing.T) {
	files := t.TempDir()
	fill(t, files, map[string]string{"small": smallUpload, "large": largeUpload})
	dir := documents(t)
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		for _, k := range curlings {
			k.run(t, s, files)
		}
		resume(t, s)
		atOnce(t, s)
		revalidate(t, s)
	})
	t.Run("visitor's page", func(t *testing.T) {
		onLoops(t, loops, "", func(t *testing.T, s *served) {
			for _, k := range visits {
				k.run(t, s, files)
			}
		})
	})
}

// resume goes on with a download, and finds that it is whole.
func resume(t *testing.T, s *served) {
	t.Helper()
	files := t.TempDir()
	fill(t, files, map[string]string{"large": large[:100_000]})
	for _, end := range []string{"<206 1 0>", "<416 1 0>"} {
		curling{"resume", words("-C - @/large.bin -o %/large"), end}.run(t, s, files)
		holdsFile(t, filepath.Join(files, "large"), large)
	}
}

// atOnce sees that no part of an answer is held back. What is sent with MSG_MORE
// and followed by nothing leaves after 200 ms: tcp(7), TCP_CORK. Other programs may
// slow this one down, so the fastest try counts of those that patience allows.
func atOnce(t *testing.T, s *served) {
	t.Helper()
	const soon = 150 * time.Millisecond
	for _, asked := range []string{"0-", "5-10", "0-3,299999-300003"} {
		fastest := patience
		for end := time.Now().Add(patience); fastest > soon && time.Now().Before(end); {
			out := runs(t, "curl", "-q", "-sS", "--noproxy", "*", "-o", os.DevNull, "-w", "%{time_total}s", "-r", asked, s.url("/large.bin"))
			took, err := time.ParseDuration(out)
			must(t, err)
			fastest = min(fastest, took)
		}
		if fastest > soon {
			t.Errorf("bytes %s of a large file take %v", asked, fastest)
		}
	}
}

// revalidate asks whether a file is still the one of this entity-tag.
func revalidate(t *testing.T, s *served) {
	t.Helper()
	files := t.TempDir()
	for _, k := range []curling{
		{"first", words("@/hello.txt --etag-save %/etag"), "Hello, world\n<200 1 0>"},
		{"again", words("@/hello.txt --etag-compare %/etag"), "<304 1 0>"},
		{"another", words("@/kilo.bin --etag-compare %/etag"), regexp.QuoteMeta(kilo) + "<200 1 0>"},
	} {
		k.run(t, s, files)
	}
}
