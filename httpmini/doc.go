// Package httpmini is fd3's own HTTP/1.x: a parser that is a pure function
// over the caller's bytes, and a writer that appends to the caller's buffer.
//
// It reads from no socket. The caller shows the read(2) loop and asks after
// each read whether the bytes so far are a whole message head. There are three
// answers: done, need more ([ErrMore]), or bad ([BadError]).
//
//	buf := make([]byte, 0, httpmini.MaxHead)
//	var req httpmini.Request
//	var tokens []httpmini.Token
//	for {
//		n, _ := unix.Read(fd, buf[len(buf):cap(buf)])
//		buf = buf[:len(buf)+n]
//		head, err := req.Parse(buf, &tokens)
//		if err == httpmini.ErrMore {
//			continue // one send is not one recv
//		}
//		if err != nil {
//			return err // *BadError: which byte, which status, why
//		}
//		content := req.Content()
//		data, n, err := content.Next(buf[head:], nil) // again and again
//		...
//	}
//	out = httpmini.AppendResponse(out[:0], httpmini.Message{Status: 200, Body: page})
//
// The tokens name every byte, in order and without a gap. Pass nil for
// them and parsing allocates nothing once the Request's Fields have grown.
//
// The parser is strict where RFC 9112 leaves a choice. Wherever two programs
// could read the same bytes as different messages, a request can be smuggled
// past one of them (RFC 9112 section 11.2).
package httpmini
