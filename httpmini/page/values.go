package page

// secretKeys are parts of names whose values are secret: in a form or a query
// (password=…), in JSON ("password": …), in a part of multipart/form-data
// (name="password").
var secretKeys = [...]string{"passw", "pwd", "secret", "token", "apikey", "api_key"}

// A keyWord is a secretKey as the last bytes of a keyName, under a mask: none has more than
// eight.
type keyWord struct{ word, mask uint64 }

var keyWords = func() (all [len(secretKeys)]keyWord) {
	for i, key := range secretKeys {
		for _, c := range []byte(key) {
			all[i] = keyWord{all[i].word<<8 | uint64(c), all[i].mask<<8 | 0xff}
		}
	}
	return all
}()

// A keyName is the name before a value, byte for byte. The zero value has begun none.
type keyName struct {
	last   uint64 // its last eight bytes, in lower case
	secret bool   // a secretKey is in it
}

func (k *keyName) next(c byte) {
	k.last = k.last<<8 | uint64(lower(c))
	for i := range keyWords {
		k.secret = k.secret || k.last&keyWords[i].mask == keyWords[i].word
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// values find the secret values in content of whatever kind, byte for byte. They need no
// more than these few bytes for content of any length.
type values struct {
	form form
	json object
	part part
}

// hides reports whether the next byte is of a secret value.
func (v *values) hides(c byte) bool {
	form, json, part := v.form.hides(c), v.json.hides(c), v.part.hides(c)
	return form || json || part
}

// A form is content of application/x-www-form-urlencoded, and a query: a secret value
// stands between "=" and "&", or the end of the word.
type form struct {
	name   keyName
	hidden bool // in a secret value
}

func (f *form) hides(c byte) bool {
	switch {
	case c == '&' || c == '?' || c == ';' || c <= ' ':
		*f = form{}
	case f.hidden:
		return true
	case c == '=':
		f.hidden = f.name.secret
	default:
		f.name.next(c)
	}
	return false
}

// An object is content of JSON (RFC 8259). A secret value may be of any type: of an array
// or an object all strings, names and numbers are hidden.
type object struct {
	name   keyName
	place  objectPlace
	quoted bool // in a string of a secret value
	escape bool // behind a backslash
	depth  int  // brackets that are open in a secret value
}

type objectPlace uint8

const (
	outside objectPlace = iota // of a string that may be a name
	inString
	behindString // where a colon makes it a name
	behindName   // of a secret value, and before it
	inSecretValue
)

func (o *object) hides(c byte) bool {
	switch o.place {
	case inString:
		switch {
		case o.escape:
			o.escape = false
		case c == '\\': // a name may be spelled so that nobody knows it again
			o.escape, o.name.secret = true, true
		case c == '"':
			o.place = behindString
		case c < ' ': // no string has one
			o.place = outside
		default:
			o.name.next(c)
		}
		return false
	case behindString:
		switch {
		case c <= ' ':
			return false
		case c == ':' && o.name.secret:
			o.place = behindName
			return false
		}
		o.place = outside
	case behindName:
		if c <= ' ' {
			return false
		}
		o.place = inSecretValue
		return o.hidesValue(c)
	case inSecretValue:
		return o.hidesValue(c)
	}
	if c == '"' {
		*o = object{place: inString}
	}
	return false
}

// hidesValue takes a byte of a secret value, which ends with its last bracket or quote,
// or, of a number or a word, before what cannot be in one.
func (o *object) hidesValue(c byte) bool {
	switch {
	case o.quoted && o.escape:
		o.escape = false
	case o.quoted && c == '\\':
		o.escape = true
	case c == '"':
		if o.quoted = !o.quoted; !o.quoted && o.depth == 0 {
			*o = object{}
		}
		return false
	case o.quoted:
	case c == '[' || c == '{':
		o.depth++
		return false
	case c == ']' || c == '}':
		if o.depth--; o.depth <= 0 {
			*o = object{}
		}
		return false
	case c == ',' || c <= ' ':
		if o.depth == 0 {
			*o = object{}
		}
		return false
	case c == ':':
		return false
	}
	return true
}

// maxDelimiter is the longest line between two parts: "--" and a boundary of 70 bytes
// (RFC 2046, section 5.1.1).
const maxDelimiter = 72

// A part is one of the parts of multipart/form-data (RFC 7578). What stands behind the
// empty line of one with a secret name is hidden, up to the next delimiter.
type part struct {
	delimiter [maxDelimiter]byte // the first line that begins with "--"
	size      int                // of delimiter
	place     partPlace
	column    int  // bytes of this line so far
	matches   bool // the line is the delimiter, as far as it goes
	name      keyName
	last      [len("name=") + 1]byte // bytes of a line of the head, in lower case
	named     bool                   // in the value of the parameter name
	quoted    bool                   // behind the first quote of it
	escape    bool                   // behind a backslash
	hidden    bool                   // the part has a secret name
}

type partPlace uint8

const (
	inPreamble partPlace = iota // before the first delimiter
	inPartHead
	inPartBody
)

func (p *part) hides(c byte) bool {
	if c == '\n' {
		p.endLine()
		return false
	}
	if c == '\r' { // of the end of a line; elsewhere no delimiter has one
		p.matches = p.matches && (p.place != inPartBody || p.column >= p.size)
		return false
	}
	p.column++
	switch p.place {
	case inPreamble:
		p.learn(c)
	case inPartHead:
		p.head(c)
	case inPartBody:
		p.matches = p.matches && (p.column > p.size || p.delimiter[p.column-1] == c)
		return p.hidden && !p.matches
	}
	return false
}

// endLine takes the end of a line. The first line of a body is no delimiter, which takes
// the end of the line before it with it.
func (p *part) endLine() {
	delimiter := p.matches && p.column >= p.size && p.size > len("--")
	empty := p.column == 0
	p.matches, p.column = true, 0
	p.named, p.quoted, p.escape, p.last = false, false, false, [len(p.last)]byte{}
	switch {
	case delimiter && p.place != inPartHead:
		for p.place == inPreamble && blank(p.delimiter[p.size-1]) { // padding, which others may not have
			p.size--
		}
		p.place, p.name, p.hidden = inPartHead, keyName{}, false
	case p.place == inPreamble:
		p.size = 0
	case p.place == inPartHead && empty:
		p.place, p.hidden, p.matches = inPartBody, p.name.secret, false
	}
}

// learn takes a byte of a line that may be the first delimiter.
func (p *part) learn(c byte) {
	p.matches = p.column == 1 && c == '-' || p.matches && p.column <= maxDelimiter && (p.column > len("--") || c == '-')
	if p.matches {
		p.delimiter[p.column-1], p.size = c, p.column
	}
}

// head takes a byte of a part's head: Content-Disposition: form-data; name="password".
func (p *part) head(c byte) {
	if p.named {
		if c == '"' && !p.escape {
			p.quoted = !p.quoted
		}
		p.escape = c == '\\' && !p.escape
		p.named = p.quoted || c != ';'
	}
	if p.named {
		p.name.next(c)
		return
	}
	copy(p.last[:], p.last[1:])
	p.last[len(p.last)-1] = lower(c)
	p.named = string(p.last[1:]) == "name=" && !nameByte(p.last[0])
}
