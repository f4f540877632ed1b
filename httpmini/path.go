package httpmini

// AppendPath appends the name beneath the document root that a [Request.Path]
// stands for: the path with its escapes decoded, once. "%252e" is the name
// "%2e", and never "." (RFC 3986 section 2.4).
//
// Slashes in front are dropped, all of them: a name is relative to the root, so
// "//a" is "a", and "/" is "". Slashes further on stay as they are.
//
// ".." stays too, encoded or not. Whether it leads out is not a question of
// text, since a symbolic link may stand before it: the kernel knows, by
// RESOLVE_BENEATH of openat2(2).
//
// The error is a *BadError, with an Offset in path, and dst is as it was. It is
//
//   - 400 for a control byte such as %00 or %0A, and for a "%" without digits;
//   - 404 for %2F, a slash that is meant to be part of a name: no file has one;
//   - 404 for a name with a dot in front, other than "." and "..". Such files,
//     .git or .env, are for the owner of the directory.
func AppendPath(dst, path []byte) ([]byte, error) {
	i := 0
	for i < len(path) && path[i] == '/' {
		i++
	}
	start := len(dst)
	segment, from := len(dst), i // where a segment starts, in dst and in path
	for ; ; i++ {
		if i == len(path) || path[i] == '/' {
			if hidden(dst[segment:]) {
				return dst[:start], bad(from, 404, "names with a dot in front are not served")
			}
			if i == len(path) {
				return dst, nil
			}
			dst = append(dst, '/')
			segment, from = len(dst), i+1
			continue
		}
		c, at := path[i], i
		if c == '%' {
			if i+2 >= len(path) || !hexDigit.has(path[i+1]) || !hexDigit.has(path[i+2]) {
				return dst[:start], bad(at, 400, `a "%%" in the path is not followed by two hexadecimal digits (RFC 3986 section 2.1)`)
			}
			c = hexValue(path[i+1])<<4 | hexValue(path[i+2])
			i += 2
		}
		switch {
		case c == '/':
			return dst[:start], bad(at, 404, "%%2F is a slash that parts nothing (RFC 3986 section 2.2), and no file has a slash in its name (path_resolution(7))")
		case c == 0:
			return dst[:start], bad(at, 400, "the path has a NUL byte in it, where a name ends for the kernel (path_resolution(7))")
		case c < ' ' || c == 0x7f:
			return dst[:start], bad(at, 400, "%s stands in the path: no name that is served has one", octet(c))
		}
		dst = append(dst, c)
	}
}

// hidden says of a decoded segment whether ls(1) would leave it out. "." and
// ".." are not names but directions.
func hidden(segment []byte) bool {
	return len(segment) > 0 && segment[0] == '.' && string(segment) != "." && string(segment) != ".."
}

func hexValue(c byte) byte {
	if digit.has(c) {
		return c - '0'
	}
	return lower(c) - 'a' + 10
}

// EscapePath appends a name from [AppendPath] in the form for a Location or an
// href: octets that no path holds are escaped (pchar, RFC 3986 section 3.3),
// slashes stay. AppendPath gets the name back.
//
// The result is a path by itself and after a slash. Slashes in front become one, since
// "//a" would name another host (section 4.2), and a colon is escaped in a first
// segment without a slash before it, where it would end a scheme.
//
// In HTML its "&" and "'" still have to be escaped, as html/template does.
func EscapePath(dst, name []byte) []byte {
	for len(name) > 1 && name[0] == '/' && name[1] == '/' {
		name = name[1:]
	}
	slash := false
	for _, c := range name {
		switch {
		case c == '/':
			slash = true
			dst = append(dst, c)
		case regNameChar.has(c) || c == '@' || c == ':' && slash:
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hexits[c>>4], hexits[c&15])
		}
	}
	return dst
}

// EscapeQuery appends a [Request.Query] in the form for a Location. Browsers send
// octets that no query holds (RFC 3986 section 3.4) as they are: those are escaped.
// Escapes that are there already stay.
func EscapeQuery(dst, query []byte) []byte {
	for _, c := range query {
		if regNameChar.has(c) || c == ':' || c == '@' || c == '/' || c == '?' || c == '%' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexits[c>>4], hexits[c&15])
		}
	}
	return dst
}
