package httpmini

// The limits of a message. Without them a client decides how much memory and time
// a server spends before it even knows what is wanted. Content has no limit here:
// that depends on its use.
const (
	// MaxHead limits a whole head, in bytes, empty lines included. It stops a
	// client that never sends the empty line: 431. A buffer of MaxHead bytes is
	// always enough, since Parse never asks for more when it is full.
	MaxHead = 32 << 10

	// MaxMethod stops a method that goes on and on: 501, since it is longer
	// than any that is implemented (RFC 9112 section 3).
	MaxMethod = 32

	// MaxTarget stops targets that are really data, and the redirect loops
	// that make a target longer each time: 414 (RFC 9112 section 3). That
	// section recommends to allow a request line of 8000 bytes at least.
	MaxTarget = 8000

	// MaxFieldLine stops one field, often a cookie that grew, from taking the
	// whole head: 431 (RFC 6585 section 5). It counts name, colon and value.
	MaxFieldLine = 8 << 10

	// MaxFields stops many tiny fields, each of which costs more to keep than
	// its few bytes on the wire, and more to search: 431.
	MaxFields = 100

	// MaxReason stops a server that fills the status line of a response.
	MaxReason = 512

	// FreeSizeDigits is how many digits of a chunk size count for nothing: 16
	// hexadecimal digits have 64 bits. A longer one has zeros in front, which mean
	// nothing, so each further digit counts as a byte of chunk extensions.
	FreeSizeDigits = 16

	// MaxChunkExtensions limits all chunk extensions of one content together,
	// in bytes. It stops a sender that has a server read kilobytes for each
	// byte of content (CVE-2023-39326): 400. RFC 9112 section 7.1.1 wants such a
	// limit and a 4xx.
	MaxChunkExtensions = 16 << 10

	// MaxTrailer limits the names and values of all trailer fields together, in
	// bytes. It stops a trailer section that never ends, after content that was
	// counted: 431.
	MaxTrailer = 8 << 10
)
