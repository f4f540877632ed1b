// Package page writes the pages of fd3's server that people read: why a request
// was refused, what is in a directory, and at / the visitor's own connection.
// It opens no socket; what it shows is handed in.
//
// Each page comes in two versions: HTML for a browser and plain text, at most 80
// columns wide, for curl. The HTML loads nothing and runs nothing, and [Fields]
// has the browser hold it to that.
//
//	contentType, body := page.Error(404, "There is no such file here", "", html)
//	contentType, body = page.Fault{Status: bad.Status, Why: bad.Why, Bytes: buf, Offset: bad.Offset}.Page(html)
//
// Text from outside is never trusted. html/template escapes it in its place,
// what does not print is written as an escape such as \x1b, and the values of
// fields that hold secrets are masked ([Mask]).
//
// The words are in the templates, not in the Go files.
package page
