package httpmini

// authority reads uri-host [ ":" port ] and gives the port, or says where and
// why b is none. RFC 3986 section 3.2, RFC 9110 sections 4.2 and 7.2.
func authority(b []byte) (port []byte, at int, why string) {
	i := 0
	if len(b) > 0 && b[0] == '[' {
		for i < len(b) && b[i] != ']' {
			i++
		}
		if i == len(b) {
			return nil, 0, `a "[" without its "]"`
		}
		if !isIPv6(b[1:i]) && !isFutureAddress(b[1:i]) {
			return nil, 1, "no IPv6 address between the brackets"
		}
		i++
	} else {
		for i = regNameChar.span(b, 0); i < len(b) && b[i] != ':'; i = regNameChar.span(b, i) {
			switch {
			case b[i] == '%' && i+2 < len(b) && hexDigit.has(b[i+1]) && hexDigit.has(b[i+2]):
				i += 3
			case b[i] == '@':
				return nil, i, `a user name before "@", which can pass for a host`
			default:
				return nil, i, octet(b[i]) + " is in no host name"
			}
		}
		if i == 0 {
			return nil, 0, "the host is empty"
		}
	}
	if i == len(b) {
		return nil, 0, ""
	}
	if b[i] != ':' {
		return nil, i, octet(b[i]) + ` follows the "]"`
	}
	start := i + 1
	if end := digit.span(b, start); end < len(b) {
		return nil, end, octet(b[end]) + " is in the port, which is a number"
	}
	if len(b)-start < len("65535") {
		return b[start:], 0, ""
	}
	n := 0
	for i, c := range b[start:] {
		if n = n*10 + int(c-'0'); n > 0xffff {
			return nil, start + i, "a port has 16 bits, so 65535 is the last"
		}
	}
	return b[start:], 0, ""
}

// isIPv6 follows IPv6address of RFC 3986 section 3.2.2: eight groups of up to
// four hex digits, one run of zero groups as "::", the last two perhaps as IPv4.
func isIPv6(b []byte) bool {
	groups, gap := 0, false
	i := 0
	if len(b) >= 2 && b[0] == ':' && b[1] == ':' {
		gap, i = true, 2
	}
	for i < len(b) {
		end := hexDigit.span(b, i)
		if end < len(b) && b[end] == '.' {
			groups += 2
			return isIPv4(b[i:]) && fillsEight(groups, gap)
		}
		if end == i || end-i > 4 {
			return false
		}
		groups++
		if i = end; i == len(b) {
			break
		}
		if b[i] != ':' || i+1 == len(b) {
			return false
		}
		if i++; b[i] == ':' {
			if gap {
				return false
			}
			gap = true
			i++
		}
	}
	return fillsEight(groups, gap)
}

// fillsEight: a gap stands for one group of zeros at least.
func fillsEight(groups int, gap bool) bool {
	if gap {
		return groups < 8
	}
	return groups == 8
}

func isIPv4(b []byte) bool {
	parts, n, length := 1, 0, 0
	for _, c := range b {
		switch {
		case c == '.':
			if length == 0 || parts == 4 {
				return false
			}
			parts, n, length = parts+1, 0, 0
		case digit.has(c):
			if length > 0 && n == 0 {
				return false // no leading zeros
			}
			n, length = n*10+int(c-'0'), length+1
			if n > 255 {
				return false
			}
		default:
			return false
		}
	}
	return parts == 4 && length > 0
}

// isFutureAddress follows IPvFuture of RFC 3986 section 3.2.2, such as v1.x.
func isFutureAddress(b []byte) bool {
	if len(b) < 4 || lower(b[0]) != 'v' {
		return false
	}
	dot := hexDigit.span(b, 1)
	if dot == 1 || dot+1 >= len(b) || b[dot] != '.' {
		return false
	}
	for _, c := range b[dot+1:] {
		if c != ':' && !regNameChar.has(c) {
			return false
		}
	}
	return true
}
