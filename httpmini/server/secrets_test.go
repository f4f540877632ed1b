package server

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

// TestSecretsInAnySplit shows no byte of a secret, neither on the visitor's page nor
// in the story, however the request was cut.
func TestSecretsInAnySplit(t *testing.T) {
	noneLeft(t)
	post := request("POST /", "Transfer-Encoding: chunked", "Connection: close")
	content := func(body string) string {
		return request("POST /", "Content-Length: "+strconv.Itoa(len(body)), "Connection: close") + body
	}
	everyTilde := map[string]string{ // is secret
		"in the head":            get("/", "Cookie: a=~~~~; ~~~~", "Authorization: Basic ~~~~", "Connection: close"),
		"in the trailer":         post + "3\r\nabc\r\n0\r\nCookie: ~~~~ ~~~~\r\n\r\n",
		"later in the trailer":   post + "0\r\nX: y\r\nAuthorization:~~~~\r\nA: b\r\n\r\n",
		"in a folded line":       post + "0\r\nCookie: ~~~~\r\n ~~~~\r\n\r\n",
		"before a bad byte":      post + "0\r\nCookie: ~~~~\x00~~~~\r\n\r\n",
		"in a form":              content("user=a&password=~~~~~~~~&b=1"),
		"in JSON":                content("{\n\"token\" :\n \"~~\\\"~ ~\",\n\"b\": {\"pwd\":[\"~\"]}}"),
		"in a part of a form":    content("--b\r\nContent-Disposition: form-data; name=\"pwd\"\r\n\r\n~~\r\n--~\r\n--b--\r\n"),
		"behind the last answer": "no request\r\n\r\nCookie: ~~~~ ~~~~\r\n\r\n",
		"in content behind it":   "no request\r\n\r\n--b\r\nA: name=pwd\r\n\r\n~\r\n",
	}
	for _, loop := range loops {
		t.Run(string(loop), func(t *testing.T) {
			l := launch(t, "unix", Config{Loop: loop})
			for name, send := range everyTilde {
				for i := range len(send) {
					pieces := []string{send[:i], send[i:]}
					switch i {
					case 0:
						pieces = strings.Split(send, "")
					case 1:
						pieces = cut(send[:len(send)-20])
						pieces = append(pieces, send[len(send)-20:len(send)-14], send[len(send)-14:len(send)-6], send[len(send)-6:])
					}
					w, err := connect(l.addr)
					must(t, err)
					deliver(w, pieces, true) // the server may be done before the last piece
					answer, err := io.ReadAll(w)
					w.Close()
					if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 ") || strings.Contains(string(answer), "~") {
						t.Fatalf("%s, %q: %v, %s", name, pieces, err, answer)
					}
				}
			}
			l.end(t)
			for _, e := range l.told(Called) {
				if e.Call.Name == "recvfrom" && strings.Contains(e.Call.Strace(), "~") {
					t.Fatalf("told: %s", e.Call.Strace())
				}
			}
		})
	}
}
