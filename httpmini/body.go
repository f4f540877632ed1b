package httpmini

// Body finds the body in b, behind a head of n bytes. The length is that of
// Request.ContentLength or Response.BodyLength; -1 takes in all that is there,
// for a body that ends with the connection, and for chunks, which it does not
// take apart. If tokens is not nil and a part of the body is there, its token
// is appended: those of Parse and this one then cover b[:end].
//
// The err is ErrMore while bytes of the body are missing; with -1 it always
// is, since the bytes do not show the end. What follows end is the next message.
// RFC 9112 section 6.
func Body(b []byte, n int, length int64, tokens *[]Token) (end int, err error) {
	end = len(b)
	if length >= 0 && length <= int64(len(b)-n) {
		end = n + int(length)
	} else {
		err = ErrMore
	}
	if tokens != nil && end > n {
		*tokens = append(*tokens, Token{MessageBody, n, end})
	}
	return end, err
}
