package server

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"fd3/httpmini"
	"fd3/httpmini/page"
	"fd3/httpmini/server/docroot"
)

// files answers a GET or HEAD with what the target names beneath the root.
func (w *worker) files(r *httpmini.Request) answer {
	e, err := w.cache.Open(w.teller(), r.Path, w.now)
	if err != nil {
		return w.notOpened(r, err)
	}
	defer e.Close()
	if e.File.IsDir {
		return w.directory(r, e.File)
	}
	return w.file(e)
}

// notOpened says why a target leads to nothing that can be shown.
func (w *worker) notOpened(r *httpmini.Request, err error) answer {
	var bad *httpmini.BadError
	var refused *docroot.Error
	switch {
	case errors.As(err, &bad):
		return w.fault(r, bad.Status, bad.Why)
	case errors.As(err, &refused):
		if gone := w.root.Gone(); refused.Status == 404 && gone != "" {
			return w.fault(r, 404, refused.Why+"; "+gone)
		}
		return w.fault(r, refused.Status, refused.Why)
	}
	return w.fault(r, 500, err.Error())
}

// prepare composes the usual answer with a small file once, for plainFile.
func prepare(e *docroot.Entry) {
	now := time.Now()
	if e.Content == nil || now.Sub(e.File.ModTime) < time.Second { // Last-Modified is never later than Date
		return
	}
	v := validatorsOf(e.File, now)
	e.Answer = httpmini.AppendResponse(nil, httpmini.Message{
		Status: 200, Date: now, ContentType: e.MediaType, Body: e.Content, Fields: appendValidators(nil, v),
	})
	e.Content = e.Answer[len(e.Answer)-len(e.Content):]
}

// file answers with the whole file.
func (w *worker) file(e *docroot.Entry) answer {
	v := validatorsOf(e.File, w.wall)
	w.fields = appendValidators(w.fields[:0], v)
	a := answer{status: 200, mediaType: e.MediaType, fields: w.fields, state: v, body: e.Content, length: e.File.Size}
	if e.Content == nil {
		a.file = e.File.Retain()
	}
	return a
}

// partial answers with the ranges in w.ranges instead of the whole, which is a. RFC
// 9110 section 15.3.7.
func (w *worker) partial(r *httpmini.Request, a answer) answer {
	kind, size := a.mediaType, a.length
	a.status = 206
	if _, ok := r.Fields.Get("If-Range"); ok {
		a.mediaType, a.fields = "", essential(a.fields)
	}
	if len(w.ranges) > 1 {
		return w.multipart(a, kind)
	}
	x := w.ranges[0]
	a.fields = append(a.fields, httpmini.FieldLine{Name: "Content-Range", Value: string(httpmini.AppendContentRange(nil, x, size))})
	a.off, a.length = x.Start, x.Length
	if a.file == nil {
		a.body = a.body[x.Start : x.Start+x.Length]
	}
	return a
}

// multipart is a 206 of several ranges of a file of this kind. RFC 9110 section
// 14.6.
func (w *worker) multipart(a answer, kind string) answer {
	boundary, content, size := rand.Text(), a.body, a.length
	a.mediaType = "multipart/byteranges; boundary=" + boundary
	a.body, a.length = nil, httpmini.PartsLength(boundary, kind, w.ranges, size)
	for _, x := range w.ranges {
		head := httpmini.AppendPartHead(nil, boundary, kind, x, size)
		if a.file != nil {
			a.parts = append(a.parts, part{head, x.Start, x.Start + x.Length})
			continue
		}
		a.body = append(append(a.body, head...), content[x.Start:x.Start+x.Length]...)
	}
	last := httpmini.AppendLastBoundary(nil, boundary)
	if a.file != nil {
		a.parts = append(a.parts, part{head: last})
	} else {
		a.body = append(a.body, last...)
	}
	return a
}

// unsatisfied answers where a file of this size has none of the ranges. RFC 9110
// section 15.5.17.
func (w *worker) unsatisfied(r *httpmini.Request, size int64) answer {
	a := w.fault(r, 416, "the file has "+strconv.FormatInt(size, 10)+" bytes, and none of those that were asked for (RFC 9110 section 15.5.17)")
	a.fields = append(a.fields, httpmini.FieldLine{Name: "Content-Range", Value: string(httpmini.AppendUnsatisfied(nil, size))})
	return a
}

// essential leaves, of the fields of a 200, those for a client that has the others
// already: RFC 9110 sections 15.3.7, of If-Range, and 15.4.5.
func essential(fields []httpmini.FieldLine) (left []httpmini.FieldLine) {
	for _, f := range fields { // others may share them
		switch f.Name {
		case "Cache-Control", "ETag", "Vary":
			left = append(left, f)
		}
	}
	return left
}

// validatorsOf a file. Its time is in whole seconds, as the field has it, and never
// later than the answer: RFC 9110 section 8.8.2.1.
func validatorsOf(f *docroot.File, now time.Time) httpmini.Validators {
	modified := f.ModTime
	if modified.After(now) {
		modified = now
	}
	if f.ETag == "" { // nothing tells whether it has changed
		return httpmini.Validators{}
	}
	return httpmini.Validators{ETag: f.ETag, Modified: modified.Truncate(time.Second)}
}

// appendValidators adds the fields that describe a file, Last-Modified first.
func appendValidators(dst []httpmini.FieldLine, v httpmini.Validators) []httpmini.FieldLine {
	if v.ETag != "" {
		dst = append(dst,
			httpmini.FieldLine{Name: "Last-Modified", Value: string(httpmini.AppendDate(nil, v.Modified))},
			httpmini.FieldLine{Name: "ETag", Value: v.ETag},
			httpmini.FieldLine{Name: "Accept-Ranges", Value: "bytes"})
	}
	return append(dst, noCache, noSniff)
}

// A browser may keep a file, but has to ask whether it is still the same: without a
// word it guesses by the age how long it need not (RFC 9111 section 4.2.2). And it is
// to believe the Content-Type (Fetch, section 3.6).
var (
	noCache = httpmini.FieldLine{Name: "Cache-Control", Value: "no-cache"}
	noSniff = httpmini.FieldLine{Name: "X-Content-Type-Options", Value: "nosniff"}
)

// directory answers for one that has no index.html. Without a slash at the end the
// relative links of a page in it would lead elsewhere, so the client is sent to
// the right name first.
func (w *worker) directory(r *httpmini.Request, f *docroot.File) answer {
	name, err := httpmini.AppendPath([]byte{'/'}, r.Path)
	if err != nil {
		return w.fault(r, 404, err.Error())
	}
	if !bytes.HasSuffix(r.Path, []byte{'/'}) {
		location := append(httpmini.EscapePath(nil, name), '/')
		if r.Query != nil {
			location = httpmini.EscapeQuery(append(location, '?'), r.Query)
		}
		if len(location) > httpmini.MaxTarget { // it could not be asked for here: RFC 9110 section 4.1
			return w.fault(r, 414, "this is a directory, and its URI, with the slash at its end, would be too long")
		}
		kind, body := page.Moved(301, string(location), r.PrefersHTML(false))
		return answer{status: 301, mediaType: kind, body: body,
			fields: append(w.errorFields(), httpmini.FieldLine{Name: "Location", Value: string(location)})}
	}
	if !w.config.Listing {
		return w.fault(r, 403, "this directory has no index.html, and what is in it is listed only with --listing")
	}
	return w.listing(r, f, string(name))
}
