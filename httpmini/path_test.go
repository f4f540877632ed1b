package httpmini_test

import (
	"errors"
	"testing"

	"fd3/httpmini"
)

func TestAppendPath(t *testing.T) {
	for name, tt := range map[string]struct{ path, want string }{
		"the root":                               {"/", ""},
		"a file":                                 {"/a/b.html", "a/b.html"},
		"a directory":                            {"/a/", "a/"},
		"slashes in front":                       {"//a", "a"},
		"slashes alone":                          {"///", ""},
		"slashes inside":                         {"/a//b", "a//b"},
		"without a slash":                        {"a", "a"},
		"empty":                                  {"", ""},
		"RFC 3986 2.1 escapes":                   {"/a%20b%c3%A9%7e", "a b\u00e9~"},
		"RFC 3986 2.4 decoded once":              {"/%2541%252e%252F", "%41%2e%2F"},
		"RFC 3986 2.4 a dot that is no dot":      {"/%252e%252e/a", "%2e%2e/a"},
		"an escaped ? and #":                     {"/a%3fb%23", "a?b#"},
		"no UTF-8":                               {"/%ff%FE", "\xff\xfe"},
		"a backslash is no slash":                {`/a\..\b%5c`, `a\..\b\`},
		"dots go to the kernel":                  {"/../a/./..", "../a/./.."},
		"escaped dots too":                       {"/%2e%2E/%2e/a", ".././a"},
		"dots within a name":                     {"/a.b/c..", "a.b/c.."},
		"a plus is a plus":                       {"/a+b", "a+b"},
		"what browsers send though it is unwise": {"/a[]|{}^`", "a[]|{}^`"},
	} {
		got, err := httpmini.AppendPath([]byte("before/"), []byte(tt.path))
		if err != nil || string(got) != "before/"+tt.want {
			t.Errorf("%s: %q is %q, %v", name, tt.path, got, err)
		}
	}
}

func TestAppendPathRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		path           string
		offset, status int
	}{
		"NUL":                           {"/a%00.html", 2, 400},
		"NUL after other refusals":      {"/a%00/.git", 2, 400},
		"a bare NUL":                    {"/a\x00", 2, 400},
		"LF":                            {"/%0a", 1, 400},
		"CR":                            {"/a/%0D", 3, 400},
		"DEL":                           {"/%7f", 1, 400},
		"RFC 3986 2.1 no digits":        {"/%zz", 1, 400},
		"RFC 3986 2.1 one digit":        {"/a%4", 2, 400},
		"RFC 3986 2.1 no digit":         {"/%", 1, 400},
		"RFC 3986 2.2 an escaped slash": {"/a%2fb", 2, 404},
		"RFC 3986 2.2 a way out":        {"/..%2F..%2Fetc/passwd", 3, 404},
		"a dot in front":                {"/.git/config", 1, 404},
		"a dot in front, further on":    {"/a/.env", 3, 404},
		"a dot in front, escaped":       {"/a/%2eenv", 3, 404},
		"three dots are a name":         {"/.../a", 1, 404},
		"dots and more":                 {"/..a", 1, 404},
		"a dot in front after slashes":  {"//.a", 2, 404},
	} {
		got, err := httpmini.AppendPath([]byte("before"), []byte(tt.path))
		var bad *httpmini.BadError
		if !errors.As(err, &bad) || bad.Offset != tt.offset || bad.Status != tt.status || bad.Why == "" {
			t.Errorf("%s: %q: %#v", name, tt.path, err)
		}
		if string(got) != "before" {
			t.Errorf("%s: it left %q", name, got)
		}
	}
}

func TestEscapePath(t *testing.T) {
	for name, tt := range map[string]struct{ name, want string }{
		"RFC 3986 3.3 pchar":                   {"a-._~!$&'()*+,;=@b/", "a-._~!$&'()*+,;=@b/"},
		"RFC 3986 2.1 what is none":            {"a b%?#[]\"<>\\^`{|}\u00e9\xff", "a%20b%25%3F%23%5B%5D%22%3C%3E%5C%5E%60%7B%7C%7D%C3%A9%FF"},
		"RFC 3986 4.2 no other host":           {"//evil.example/", "/evil.example/"},
		"RFC 3986 4.2 many slashes":            {"////", "/"},
		"RFC 3986 4.2 slashes inside":          {"a//b", "a//b"},
		"RFC 3986 4.2 no scheme":               {"javascript:alert(1)", "javascript%3Aalert(1)"},
		"RFC 3986 4.2 a colon further on":      {"a/b:c", "a/b:c"},
		"RFC 3986 4.2 a colon after a slash":   {"/a:b", "/a:b"},
		"no response splitting":                {"a\r\nSet-Cookie: b", "a%0D%0ASet-Cookie%3A%20b"},
		"no host by a backslash (WHATWG URL)":  {"/\\evil.example", "/%5Cevil.example"},
		"no host by a tab (WHATWG URL)":        {"/\t/evil.example", "/%09/evil.example"},
		"the root":                             {"", ""},
		"the root with its slash":              {"/", "/"},
		"nothing is taken for an escape twice": {"%41", "%2541"},
	} {
		if got := httpmini.EscapePath([]byte("before"), []byte(tt.name)); string(got) != "before"+tt.want {
			t.Errorf("%s: %q is %q, want %q", name, tt.name, got, tt.want)
		}
	}
}

func TestEscapeQuery(t *testing.T) {
	for query, want := range map[string]string{
		"":                     "",
		"a=b&c=d":              "a=b&c=d",
		"a=%41%7c":             "a=%41%7c",
		"/?:@-._~!$&'()*+,;=0": "/?:@-._~!$&'()*+,;=0",
		"a=|{}^`[]\\":          "a=%7C%7B%7D%5E%60%5B%5D%5C",
		"\"<>#\x00\xe4":        "%22%3C%3E%23%00%E4",
	} {
		if got := string(httpmini.EscapeQuery(nil, []byte(query))); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
}
