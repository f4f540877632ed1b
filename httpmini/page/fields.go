package page

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"sync"

	"fd3/httpmini"
)

// csp is the Content-Security-Policy of every page here: nothing is loaded but
// the icon that is in the page, no script runs, no form is sent, no other page
// frames it, and the one style is the one with this hash (CSP Level 3).
var csp = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style()))
	return "default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// Fields returns the fields to send with a page of this package, of either content
// type. They do not fit the files of a document root. Do not change them.
func Fields() []httpmini.FieldLine { return fields()[:3:3] }

// VisitFields returns those of the visitor's page, which is true of one request:
// nobody is to keep it (RFC 9111 section 5.2.2.5).
func VisitFields() []httpmini.FieldLine { return slices.Clip(fields()) }

var fields = sync.OnceValue(func() []httpmini.FieldLine {
	return []httpmini.FieldLine{
		{Name: "Content-Security-Policy", Value: csp()},
		{Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "Referrer-Policy", Value: "no-referrer"},
		{Name: "Cache-Control", Value: "no-store"},
	}
})
