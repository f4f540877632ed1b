package httpmini

// Token is the span of one piece of a message: the bytes b[Start:End] of the
// buffer that was parsed. A Token is never empty, the first starts at 0, and
// each starts where the one before it ends.
type Token struct {
	Kind       Kind
	Start, End int
}

// A Kind is the role of a Token in its message.
type Kind uint8

const (
	// Method is the action for the target, such as GET. It is case-sensitive.
	// RFC 9112 section 3.1, RFC 9110 section 9.1.
	Method Kind = iota + 1
	// Target names the resource that the request is about, often by a path and a query.
	// RFC 9112 section 3.2.
	Target
	// Version is the protocol of the sender, such as HTTP/1.1.
	// RFC 9112 section 2.3, RFC 9110 section 2.5.
	Version
	// StatusCode is the result of a request, three digits.
	// RFC 9112 section 4, RFC 9110 section 15.
	StatusCode
	// Reason is the status code in words. It is for people, and a program
	// should not read it. It may be missing. RFC 9112 section 4.
	Reason
	// Space is the single space between two parts of the first line.
	// RFC 9112 sections 3 and 4.
	Space
	// CRLF is the end of a line: carriage return, line feed.
	// RFC 9112 sections 2.1 and 2.2.
	CRLF
	// FieldName names a field. Its case means nothing. RFC 9110 section 5.1.
	FieldName
	// Colon ends a field name, at once: no space may come before it.
	// RFC 9112 section 5.1.
	Colon
	// OptionalWhitespace is spaces and tabs around a field value, no part of
	// it. RFC 9110 section 5.6.3, RFC 9112 section 5.1.
	OptionalWhitespace
	// FieldValue is the value of a field without the whitespace around it.
	// RFC 9110 section 5.5.
	FieldValue
	// EmptyLine is the CRLF that ends the head, and in chunks the trailer
	// section. RFC 9112 sections 2.1 and 7.1.
	EmptyLine
	// MessageBody is the message body, as much of it as is there, and in chunks
	// the data of one. RFC 9112 sections 6 and 7.1.
	MessageBody
	// LeadingEmptyLine is a CRLF before a request line. Old clients sent one
	// after a body, so a server passes over it. RFC 9112 section 2.2.
	LeadingEmptyLine
	// ChunkSize is how many bytes of content come in this chunk, in
	// hexadecimal. RFC 9112 section 7.1.
	ChunkSize
	// LastChunk is a chunk size of 0: no more content follows, but perhaps
	// trailer fields, and an empty line. RFC 9112 section 7.1.
	LastChunk
	// ChunkExtension is an addition of the sender's to a chunk size, such as
	// ;name=value, with the whitespace around. A recipient may ignore it. RFC 9112
	// section 7.1.1.
	ChunkExtension
)

var kinds = [...]string{
	Method:             "method",
	Target:             "target",
	Version:            "version",
	StatusCode:         "status code",
	Reason:             "reason",
	Space:              "space",
	CRLF:               "CRLF",
	FieldName:          "field name",
	Colon:              "colon",
	OptionalWhitespace: "optional whitespace",
	FieldValue:         "field value",
	EmptyLine:          "empty line",
	MessageBody:        "body",
	LeadingEmptyLine:   "leading empty line",
	ChunkSize:          "chunk size",
	LastChunk:          "last chunk",
	ChunkExtension:     "chunk extension",
}

// String returns the kind in words, as in the narration.
func (k Kind) String() string {
	if k == 0 || int(k) >= len(kinds) {
		return "unknown"
	}
	return kinds[k]
}
