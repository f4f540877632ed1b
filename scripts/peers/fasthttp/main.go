// Fasthttp serves with fasthttp: /hello is a handler's constant answer,
// everything else a file below DIR.
//
//	fasthttp ADDRESS:PORT DIR
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/valyala/fasthttp"
)

// hello is the content that every peer answers with, 13 bytes.
const hello = "Hello, World!"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: fasthttp ADDRESS:PORT DIR")
		os.Exit(2)
	}
	// A changed file has to be seen within a second, as with the others.
	files := (&fasthttp.FS{Root: os.Args[2], AcceptByteRange: true, CacheDuration: time.Second}).NewRequestHandler()
	server := fasthttp.Server{Handler: func(c *fasthttp.RequestCtx) {
		if string(c.Path()) != "/hello" {
			files(c)
			return
		}
		c.SetContentType("text/plain; charset=utf-8")
		c.SetBodyString(hello)
	}}
	fmt.Fprintln(os.Stderr, "fasthttp:", server.ListenAndServe(os.Args[1]))
	os.Exit(1)
}
