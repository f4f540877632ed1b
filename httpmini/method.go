package httpmini

// Registered says whether a method is known to HTTP: those of RFC 9110 section 9
// and PATCH (RFC 5789). One that is not served is answered with 405 then, and
// any other with 501 (RFC 9110 section 9.1). Case counts: "get" is unknown.
func Registered(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH":
		return true
	}
	return false
}
