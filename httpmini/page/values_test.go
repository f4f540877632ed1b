package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"strings"
	"testing"
)

// contents each hold key only where it is a secret; what is masked of them is said.
var contents = []struct{ content, shown string }{
	{`{"user":"a","password":"` + key + `","b":1}`, `{"user":"a","password":"******","b":1}`},
	{`{"Token" : ` + "\n\t" + `3e3, "pwd":null,"x":"y"}`, `{"Token" : ` + "\n\t" + `***, "pwd":****,"x":"y"}`},
	{`{"api_key":"a\"` + key + `\\","ok":"\"token\":"}`, `{"api_key":"***********","ok":"\"token\":"}`},
	{`{"secrets":{"a":["` + key + `",3,{"b":"]}"}],"c":3},"d":5}`, `{"secrets":{"*":["******",*,{"*":"**"}],"*":*},"d":5}`},
	{`[{"token":3},{"tokens":["3","3"]},"password",{"n":{"pwd":"3"}}]`, `[{"token":*},{"tokens":["*","*"]},"password",{"n":{"pwd":"*"}}]`},
	{`{"p\u0061ssword":"` + key + `"}`, `{"p\u0061ssword":"******"}`},
	{`{"password":"` + key, `{"password":"******`},
	{`a "quote` + "\n" + `{"password":"3"}`, `a "quote` + "\n" + `{"password":"*"}`},
	{"--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\na\r\n--b\r\nContent-Disposition: form-data; name=\"Password\"\r\n\r\n" + key + " 3\r\n--3\r\n--b3 \r\n--b--\r\n",
		"--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\na\r\n--b\r\nContent-Disposition: form-data; name=\"Password\"\r\n\r\n****** *\r\n--*\r\n--b3 \r\n--b--\r\n"},
	{"--b \nContent-Type: text/plain\ncontent-disposition: form-data; filename=\"token.txt\"; NAME=a\n\nopen\n--b\nContent-Disposition: form-data; name=\"a;token\"; filename=b\n\n3\n3\n--b\n\nopen",
		"--b \nContent-Type: text/plain\ncontent-disposition: form-data; filename=\"token.txt\"; NAME=a\n\nopen\n--b\nContent-Disposition: form-data; name=\"a;token\"; filename=b\n\n*\n*\n--b\n\nopen"},
	{"--b\nA: name=\"a\\\";token\"\n\n3\n--b--", "--b\nA: name=\"a\\\";token\"\n\n*\n--b--"},
	{"preamble\r\n--b\r\nContent-Disposition: form-data; name=secret\r\n\r\n--b\r\n--b\r\n\r\nopen", "preamble\r\n--b\r\nContent-Disposition: form-data; name=secret\r\n\r\n***\r\n--b\r\n\r\nopen"},
	{"--" + strings.Repeat("b", 71) + "\r\nname=token\r\n\r\nopen", "--" + strings.Repeat("b", 71) + "\r\nname=token\r\n\r\nopen"},
}

func masks(content string) string {
	var m Masker
	m.Content()
	return string(m.Append(nil, []byte(content)))
}

func TestValues(t *testing.T) {
	for _, c := range contents {
		if got := masks(c.content); got != c.shown {
			t.Errorf("%q\n  -> %q\nwant %q", c.content, got, c.shown)
		}
		for _, head := range []string{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"} {
			request := fmt.Sprintf(head, len(c.content), c.content)
			if got, want := string(mask([]byte(request), parse(request))), fmt.Sprintf(head, len(c.content), c.shown); got != want {
				t.Errorf("%q\nwant %q", got, want)
			}
		}
		request := "POST / HTTP/1.1\r\nHost: a\r\n\r\n"
		var m Masker
		if got := string(m.Append(nil, []byte(request+c.content))); got != request+c.shown {
			t.Errorf("with its head: %q", got)
		}
	}
}

// Whatever a field of multipart/form-data holds, it is hidden if its name is secret, but
// for the beginning of a line that is that of the delimiter.
func FuzzMultipart(f *testing.F) {
	f.Add("password", []byte(key), "user", []byte("a"))
	f.Add("a\";token", []byte("\r\n--"), "b", []byte("--b\r\n\r\nx"))
	f.Fuzz(func(t *testing.T, secretName string, secret []byte, name string, open []byte) {
		secretName += "token"
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		delimiter := "--" + w.Boundary()
		var at [2]int
		for i, field := range []struct {
			name  string
			value []byte
		}{{secretName, secret}, {name, open}} {
			part, err := w.CreateFormField(field.name)
			if err != nil {
				return
			}
			at[i] = body.Len()
			part.Write(field.value)
		}
		w.Close()
		masked := masks(body.String())
		if len(masked) != body.Len() {
			t.Fatalf("%d bytes of %d", len(masked), body.Len())
		}
		for i, line := range strings.Split(masked[at[0]:at[0]+len(secret)], "\n") {
			if i > 0 {
				for n := range len(line) {
					if line[n] != delimiter[min(n, len(delimiter)-1)] {
						line = line[n:]
						break
					}
				}
			}
			if left := strings.Trim(line, "* \t\r"); left != "" && !strings.HasPrefix(delimiter, line) {
				t.Fatalf("%q is shown as %q", secret, line)
			}
		}
	})
}

// Whatever JSON holds, the values of secret names are hidden, and however it comes.
func FuzzJSON(f *testing.F) {
	for _, c := range contents {
		f.Add([]byte(c.content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		masked := masks(string(content))
		if len(masked) != len(content) {
			t.Fatalf("%d bytes of %d", len(masked), len(content))
		}
		var m Masker
		m.Content()
		if half := len(content) / 2; string(m.Append(m.Append(nil, content[:half]), content[half:])) != masked {
			t.Fatal("cut in two it is masked otherwise")
		}
		if !json.Valid(content) {
			return
		}
		depth, secret := 0, 0 // secret: the depth at which a value of a secret name began, from 1 on
		var keys []bool       // of each open bracket: the next string is a name
		named := false
		in := json.NewDecoder(bytes.NewReader(content))
		in.UseNumber() // of any size
		for last := int64(0); ; {
			token, err := in.Token()
			if err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
			text := string(content[last:in.InputOffset()])
			shown := masked[last:in.InputOffset()]
			last = in.InputOffset()
			object := len(keys) > 0 && keys[len(keys)-1]
			switch token {
			case json.Delim('{'), json.Delim('['):
				if depth++; named && secret == 0 {
					secret = depth
				}
				keys, named = append(keys, token == json.Delim('{')), false
				continue
			case json.Delim('}'), json.Delim(']'):
				if secret == depth {
					secret = 0
				}
				depth--
				keys = keys[:len(keys)-1]
				continue
			}
			if name, ok := token.(string); ok && object && !named && isName(in, content) {
				lower := strings.ToLower(name)
				for _, k := range secretKeys {
					named = named || strings.Contains(lower, k)
				}
				if secret > 0 {
					named = false
				}
				continue
			}
			if (named || secret > 0) && strings.Trim(shown, "*\" \t\r\n,:[]{}") != "" {
				t.Fatalf("%q is shown as %q", text, shown)
			}
			named = false
		}
	})
}

// isName reports whether a colon comes next.
func isName(in *json.Decoder, content []byte) bool {
	rest := bytes.TrimLeft(content[in.InputOffset():], " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}
