package httpmini

// Registered reports whether a method is known to HTTP: one of RFC 9110 section 9
// or PATCH (RFC 5789). A server answers 405 to a known one that it does not serve,
// and 501 to any other (RFC 9110 section 9.1). Case counts: "get" is unknown.
func Registered(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return true
	}
	return false
}
