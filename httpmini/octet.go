package httpmini

import (
	"encoding/binary"
	"math/bits"
)

// class is a set of octets, one bit for each.
type class uint8

const (
	tokenChar   class = 1 << iota // in a token: RFC 9110 section 5.6.2
	targetChar                    // in a request target, without "%" and "?": RFC 3986 section 3.3, and unwise
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
	set(targetChar, letters+digits+"-._~"+subDelims+":@/"+unwise)
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

// TokenChar reports whether an octet may stand in a token, such as the name of a field
// (RFC 9110 section 5.6.2).
func TokenChar(octet byte) bool { return tokenChar.has(octet) }

func (c class) has(octet byte) bool { return classes[octet]&c != 0 }

// span is the offset of the first octet from i on that is not in the class.
func (c class) span(b []byte, i int) int {
	for n, octet := range b[i:] {
		if classes[octet]&c == 0 {
			return i + n
		}
	}
	return len(b)
}

// textEnd is textChar.span, eight octets at a time, since values are most of what
// there is to read. Inlined it would take the registers of its caller.
//
//go:noinline
func textEnd(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		del := w ^ 0x7f*ones // zero where a DEL is
		// The top bit of each octet below space or equal to DEL, and perhaps
		// of some that come after such a one.
		odd := ((w-' '*ones)&^w | (del-ones)&^del) & tops
		if odd == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(odd) / 8
		if b[i] != '\t' {
			return i
		}
		i++
	}
	return textChar.span(b, i)
}

// fold reports whether two names differ in case at most. The case of field names,
// codings and connection options means nothing. It is fastest for a name that is
// written as most people send it.
func fold(b []byte, name string) bool {
	return string(b) == name || len(b) == len(name) && foldCase(b, name)
}

func foldCase(b []byte, name string) bool {
	for i := range len(b) {
		if lower(b[i]) != lower(name[i]) {
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
