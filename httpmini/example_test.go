package httpmini_test

import (
	"fmt"

	"fd3/httpmini"
)

// One send is not one recv: the request comes in two pieces.
func ExampleRequest_Parse() {
	var buf []byte
	var req httpmini.Request
	var tokens []httpmini.Token
	for _, piece := range []string{"GE", "T /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"} {
		buf = append(buf, piece...) // a read(2)
		n, err := req.Parse(buf, &tokens)
		fmt.Println(n, err)
	}
	for _, t := range tokens[:4] {
		fmt.Printf("%s %q\n", t.Kind, buf[t.Start:t.End])
	}
	// Output:
	// 0 the message is not complete yet
	// 40 <nil>
	// method "GET"
	// space " "
	// target "/hello"
	// space " "
}

func ExampleBadError() {
	var req httpmini.Request
	_, err := req.Parse([]byte("GET / HTTP/1.1\r\nHost : localhost\r\n\r\n"), nil)
	fmt.Println(err)
	// Output:
	// byte 20: whitespace stands between a field name and its colon: some programs would not see the field (RFC 9112 section 5.1)
}

func ExampleAppendResponse() {
	page := []byte("hello\n")
	fmt.Printf("%q\n", httpmini.AppendResponse(nil, httpmini.Message{
		Status: 200, ContentType: "text/plain", Body: page, Connection: "close",
	}))
	// Output:
	// "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"
}
