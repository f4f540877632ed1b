// Package page writes the pages of fd3's server that people read: why a request
// was refused, the contents of a directory, and at / the visitor's own connection.
// It opens no socket; its callers hand in the facts.
//
// Each page comes in two versions: HTML for a browser and plain text, at most 80
// columns wide, for curl. The HTML loads nothing and runs nothing, and [Fields]
// has the browser hold it to that.
//
//	contentType, body := page.Error(404, "There is no such file here", "", html)
//	contentType, body = page.Fault{Status: bad.Status, Why: bad.Why, Bytes: buf, Offset: bad.Offset}.Page(html)
//
// Text from outside is never trusted. html/template escapes it in its place,
// bytes that do not print are written as escapes such as \x1b, and the values of
// fields that hold secrets are masked ([Masker]).
//
// The words are in the templates, not in the Go files.
package page
