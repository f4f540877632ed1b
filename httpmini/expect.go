package httpmini

// Expects reads the Expect field. It reports whether the client waits for a 100
// (Continue) before it sends the content; known is false if it expects anything
// else, which a server answers with 417. HTTP/1.0 has no expectations, so there
// the field is ignored. RFC 9110 section 10.1.1.
func (r *Request) Expects() (wants100, known bool) {
	if r.Minor == 0 {
		return false, true
	}
	list := r.Expect
	for i := 0; i < len(list); {
		var first, last int
		first, last, i = element(list, i, len(list))
		switch {
		case first == last: // an empty element says nothing: section 5.6.1.2
		case fold(list[first:last], "100-continue"):
			wants100 = true
		default:
			return false, false
		}
	}
	return wants100, true
}

// HasScheme reports whether the target is a whole URI with this scheme, in any case.
// RFC 3986 section 3.1.
func (r *Request) HasScheme(scheme string) bool {
	return r.Form == AbsoluteForm && len(r.Target) > len(scheme) &&
		r.Target[len(scheme)] == ':' && fold(r.Target[:len(scheme)], scheme)
}
