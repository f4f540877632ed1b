// Nethttp serves with Go's own net/http: /hello is a handler's constant answer,
// everything else a file below DIR.
//
//	nethttp ADDRESS:PORT DIR
package main

import (
	"fmt"
	"net/http"
	"os"
)

// hello is the content that every peer answers with, 13 bytes.
const hello = "Hello, World!"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: nethttp ADDRESS:PORT DIR")
		os.Exit(2)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, hello)
	})
	mux.Handle("/", http.FileServer(http.Dir(os.Args[2])))
	fmt.Fprintln(os.Stderr, "nethttp:", http.ListenAndServe(os.Args[1], mux))
	os.Exit(1)
}
