package httpmini

import "time"

// Validators tell one state of a representation from another: the values that the answer
// says of it in ETag and Last-Modified. RFC 9110 section 8.8.
type Validators struct {
	// ETag is the entity-tag as it is sent, such as "x" or W/"x" with its
	// quotes, or empty without one. RFC 9110 section 8.8.3.
	ETag string
	// Modified is the time in Last-Modified, zero without one. Its part of a
	// second does not count, since a date has none. RFC 9110 section 8.8.2.
	Modified time.Time
}

// Precondition evaluates If-Match, If-Unmodified-Since, If-None-Match and
// If-Modified-Since, in the order of RFC 9110 section 13.2.2, for a resource
// that has a representation. The status is 0: go on; 304: the client has it
// already; or 412: it is not in the state that the client wants. If-Range, the
// last in that order, is for [Request.Ranges].
//
// It is for an answer that would be a 2xx without it: a 404 stays a 404 (section
// 13.2.1).
//
// A malformed date is ignored, as the RFC demands, and so is one that comes on two
// lines. Of a list of entity-tags each line is read up to the first malformed one;
// the rest matches nothing. So If-Match in doubt refuses and If-None-Match in doubt
// sends everything.
func (r *Request) Precondition(v Validators) (status int) {
	reads := false
	switch string(r.Method) {
	case "GET", "HEAD":
		reads = true
	case "CONNECT", "OPTIONS", "TRACE":
		return 0 // they have to do with no representation: section 13.2.1
	}

	if present, match := r.Fields.entityTags("If-Match", v.ETag, strongMatch); present {
		if !match {
			return 412
		}
	} else if date, ok := r.Fields.date("If-Unmodified-Since"); ok && v.dated() && v.Modified.Unix() > date.Unix() {
		return 412
	}

	if present, match := r.Fields.entityTags("If-None-Match", v.ETag, weakMatch); present {
		switch {
		case match && reads:
			return 304
		case match:
			return 412
		}
	} else if date, ok := r.Fields.date("If-Modified-Since"); ok && reads && v.dated() && v.Modified.Unix() <= date.Unix() {
		return 304
	}
	return 0
}

func (v Validators) dated() bool { return !v.Modified.IsZero() }

// entityTags reports whether the field is there, and whether one of its tags
// matches, or "*", which stands for any representation. The lines of a list are
// one list. RFC 9110 sections 5.3, 13.1.1 and 13.1.2.
func (f Fields) entityTags(name, etag string, match func(tag []byte, etag string) bool) (present, found bool) {
	for i := range f {
		if !fold(f[i].Name, name) {
			continue
		}
		present = true
		found = found || string(f[i].Value) == "*" || inList(f[i].Value, etag, match)
	}
	return present, found
}

// inList looks for etag in a list. An entity-tag may hold a comma, so a list of
// them cannot be cut at its commas.
func inList(list []byte, etag string, match func(tag []byte, etag string) bool) bool {
	for i := 0; i < len(list); {
		if c := list[i]; c == ',' || c == ' ' || c == '\t' {
			i++
			continue
		}
		start, end := i, i+entityTag(list[i:])
		if start == end {
			return false
		}
		i, _ = trim(list, end, len(list))
		if i < len(list) && list[i] != ',' {
			return false
		}
		if match(list[start:end], etag) {
			return true
		}
	}
	return false
}

// entityTag is the length of the entity-tag that b starts with, 0 without one:
// [ "W/" ] DQUOTE *etagc DQUOTE. There are no escapes in it, and no spaces. RFC
// 9110 section 8.8.3.
func entityTag(b []byte) int {
	i := len(b) - len(afterWeak(b))
	if i == len(b) || b[i] != '"' {
		return 0
	}
	for i++; i < len(b) && b[i] > ' ' && b[i] != 0x7f; i++ {
		if b[i] == '"' {
			return i + 1
		}
	}
	return 0
}

// strongMatch: the same tag, and not weak. RFC 9110 section 8.8.3.2.
func strongMatch(tag []byte, etag string) bool {
	return string(tag) == etag && len(afterWeak(tag)) == len(tag)
}

// weakMatch: the same tag, weak or not. RFC 9110 section 8.8.3.2.
func weakMatch(tag []byte, etag string) bool {
	return string(afterWeak(tag)) == string(afterWeak(etag))
}

// afterWeak is a tag without the mark of a weak one, whose case counts.
func afterWeak[T []byte | string](tag T) T {
	if len(tag) >= 2 && tag[0] == 'W' && tag[1] == '/' {
		return tag[2:]
	}
	return tag
}

// single is the value of a field that is no list, and on how many lines it is.
// With more than one it means nothing certain (RFC 9110 section 5.3).
func (f Fields) single(name string) (value []byte, lines int) {
	for i := range f {
		if fold(f[i].Name, name) {
			value = f[i].Value
			lines++
		}
	}
	return value, lines
}

// date is the one date in a field, if it is one.
func (f Fields) date(name string) (t time.Time, ok bool) {
	value, lines := f.single(name)
	if lines != 1 {
		return time.Time{}, false
	}
	return ParseDate(value)
}
