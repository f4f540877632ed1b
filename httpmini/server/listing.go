package server

import (
	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/httpmini/server/docroot"
	"fd3/sockets"
)

const (
	// pieceRows is how many rows of a listing are made in one piece. What the client
	// does not take of it waits in the connection.
	pieceRows = 256

	// mostReads is how often names are read before the answer begins: once, once more
	// to see that these were all, and again where a signal has cut getdents64(2) short.
	mostReads = 4

	// maxPieces is how many pieces an epoll loop makes before those who want something
	// else get their turn: that takes a few milliseconds.
	maxPieces = 4
)

// listing is a page that is made while it is sent.
type listing struct {
	names   *docroot.Listing
	path    string // of the directory
	html    bool
	chunked bool   // else the end of the connection tells the end
	begun   bool   // the top of the page is made
	next    int    // the row to go on with; -1: the page is whole
	size    int64  // of what was made, in bytes
	request []byte // its line, for the log
	status  int
}

// listing answers with the names in a directory. A short one is made at once.
func (w *worker) listing(r *httpmini.Request, f *docroot.File, path string) answer {
	t, html := w.teller(), r.PrefersHTML(true) // to follow its links is what most want
	names, err := w.cache.List(t, f)
	if err != nil {
		return w.notOpened(r, err)
	}
	var complete bool
	for reads := 0; !complete && reads < mostReads; reads++ {
		if complete, err = names.Read(t); err != nil {
			names.Close(t)
			return w.notOpened(r, err)
		}
	}
	l := &listing{names: names, path: path, html: html}
	if complete && names.Dirs+names.Files <= pieceRows {
		body, err := l.piece(t) // the only one
		names.Close(t)
		if err != nil {
			return w.notOpened(r, err)
		}
		return answer{status: 200, mediaType: page.Type(html), body: body, fields: w.errorFields()}
	}
	l.chunked = r.Minor > 0
	return answer{status: 200, mediaType: page.Type(html), list: l, length: -1, close: !l.chunked, fields: w.errorFields()}
}

// piece makes the next piece of the page, which may be empty while the names are read.
func (l *listing) piece(t *sockets.Tracer) ([]byte, error) {
	complete, err := l.names.Read(t)
	if err != nil || !complete {
		return nil, err
	}
	var text []byte
	if !l.begun {
		l.begun = true
		text = page.AppendListingTop(text, l.path, l.names.Dirs, l.names.Files, l.names.Truncated, l.html)
	}
	rows, next := l.names.Rows(t, l.next, pieceRows)
	for _, row := range rows {
		text = page.AppendRow(text, page.Entry(row), l.html)
	}
	if l.next = next; next < 0 {
		text = page.AppendListingEnd(text, l.html)
	}
	l.size += int64(len(text))
	if !l.chunked {
		return text, nil
	}
	var out []byte
	if len(text) > 0 {
		out = httpmini.AppendChunk(make([]byte, 0, len(text)+32), text)
	}
	if next < 0 {
		out = httpmini.AppendChunk(out, nil)
	}
	return out, nil
}

// listOn makes the next piece of a listing. It is false where the others come first.
func (w *worker) listOn(c *conn) (out []byte, again bool, err error) {
	l := c.rare.list
	if w.pieces == maxPieces && !w.blocking {
		return nil, false, nil
	}
	w.pieces++
	out, err = l.piece(w.teller())
	if err == nil && l.next < 0 {
		w.listed(c)
	}
	return out, true, err
}

// listed ends a listing, of which all is made that will be.
func (w *worker) listed(c *conn) {
	l := c.rare.list
	c.rare.list = nil
	l.names.Close(w.teller())
	w.noted(c, l.request, l.status, l.size, "")
	w.counted()
}
