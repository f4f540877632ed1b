package hello

import (
	"fmt"
	"net/http"
)

// ListenAndServe says hello by the package net/http.
func ListenAndServe(port int) error {
	hello := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello")
	}
	addr := fmt.Sprint("127.0.0.1:", port)
	return http.ListenAndServe(addr, http.HandlerFunc(hello))
}
