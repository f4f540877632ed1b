package httpmini

// class is a set of octets, one bit for each.
type class uint8

const (
	tokenChar   class = 1 << iota // in a token: RFC 9110 section 5.6.2
	targetChar                    // in a request target, without "%": RFC 3986 section 3.3, and unwise
	textChar                      // in a field value or a reason: RFC 9110 section 5.5
	regNameChar                   // in the name of a host, without "%": RFC 3986 section 3.2.2
	schemeChar                    // in a scheme: RFC 3986 section 3.1
	alpha
	digit
	hexDigit
)

const (
	letters   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits    = "0123456789"
	subDelims = "!$&'()*+,;="

	// unwise octets are not in RFC 3986 but browsers send them as they are,
	// as in ?a[]=1 (WHATWG URL). No delimiter of HTTP is among them.
	unwise = "[]{}|\\^`"
)

var classes = func() (t [256]class) {
	set := func(c class, octets string) {
		for i := range len(octets) {
			t[octets[i]] |= c
		}
	}
	set(tokenChar, letters+digits+"!#$%&'*+-.^_`|~")
	set(targetChar, letters+digits+"-._~"+subDelims+":@/?"+unwise)
	set(regNameChar, letters+digits+"-._~"+subDelims)
	set(hexDigit, digits+"abcdefABCDEF")
	set(digit, digits)
	set(alpha, letters)
	set(schemeChar, letters+digits+"+-.")
	for c := range t {
		if c >= ' ' && c != 0x7f || c == '\t' {
			t[c] |= textChar
		}
	}
	return t
}()

func (c class) has(octet byte) bool { return classes[octet]&c != 0 }

// span is the offset of the first octet from i on that is not in the class.
func (c class) span(b []byte, i int) int {
	for i < len(b) && classes[b[i]]&c != 0 {
		i++
	}
	return i
}

// fold says whether two names differ in case at most. The case of field names,
// codings and connection options means nothing.
func fold(b []byte, name string) bool {
	if len(b) != len(name) {
		return false
	}
	for i := range len(b) {
		if b[i] != name[i] && lower(b[i]) != lower(name[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// trim narrows start and end to leave out spaces and tabs: OWS, RFC 9110
// section 5.6.3.
func trim(b []byte, start, end int) (int, int) {
	for start < end && (b[start] == ' ' || b[start] == '\t') {
		start++
	}
	for start < end && (b[end-1] == ' ' || b[end-1] == '\t') {
		end--
	}
	return start, end
}
