package hello

import (
	"fmt"
	"net/http"
)

// ListenAndServe says hello by the package net/http.
func ListenAndServe(port int) error {
	return http.ListenAndServe(fmt.Sprint("127.0.0.1:", port), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello")
	}))
}
