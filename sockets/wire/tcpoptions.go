package wire

// tcpOptionKinds are names of options, by their kinds (IANA), each with where it is
// written: an RFC or the names of IANA's list.
var tcpOptionKinds = map[int]string{
	0:   "end of option list",   // RFC 9293 section 3.2
	1:   "no-operation",         // RFC 9293 section 3.2
	2:   "maximum segment size", // RFC 9293 section 3.2
	3:   "window scale",         // RFC 7323 section 2.2
	4:   "SACK permitted",       // RFC 2018 section 2
	5:   "SACK",                 // RFC 2018 section 3
	8:   "timestamps",           // RFC 7323 section 3.2
	19:  "MD5 signature",        // RFC 2385
	28:  "user timeout",         // RFC 5482
	29:  "TCP-AO",               // RFC 5925
	30:  "Multipath TCP",        // RFC 8684 section 3
	34:  "fast open cookie",     // RFC 7413 section 4.1.1
	253: "experiment",           // RFC 6994
	254: "experiment",           // RFC 6994
}

// mptcpSubtypes are the messages of Multipath TCP (RFC 8684 section 3, and IANA).
var mptcpSubtypes = map[int]string{
	0: "MP_CAPABLE", 1: "MP_JOIN", 2: "DSS", 3: "ADD_ADDR", 4: "REMOVE_ADDR", 5: "MP_PRIO", 6: "MP_FAIL", 7: "MP_FASTCLOSE", 8: "MP_TCPRST",
}

func (d *dissector) tcpOptions() { d.options("option kind", tcpOptionKinds, d.tcpOption) }

// tcpOption reads the n bytes of an option after its length. One that is not as long as
// it has to be is not understood.
func (d *dissector) tcpOption(kind, n int) {
	switch {
	case kind == 2 && n == 2:
		d.number("maximum segment size", 16)
	case kind == 3 && n == 1:
		d.means("times %d", 1<<min(d.number("window scale", 8), 14)) // RFC 7323 section 2.3
	case kind == 4 && n == 0:
	case kind == 5 && n > 0 && n%8 == 0:
		for range n / 8 {
			d.number("left edge of block", 32)
			d.number("right edge of block", 32)
		}
	case kind == 8 && n == 8:
		d.number("TSval", 32)
		d.number("TSecr", 32)
	case kind == 28 && n == 2:
		d.number("granularity", 1)
		d.number("user timeout", 15)
	case kind == 30 && n > 0:
		d.stands(mptcpSubtypes, d.number("subtype", 4))
		d.hex("first of subtype", 4)
		d.bytes("of subtype", n-1)
	case kind == 34:
		d.bytes("cookie", n)
	case kind >= 253 && n >= 2:
		name := "option data"
		if d.hex("experiment identifier", 16) == 0xf989 { // IANA, TCP/UDP ExIDs
			d.means("fast open")
			name = "cookie"
		}
		d.bytes(name, n-2)
	default:
		if kind >= 2 && kind <= 5 || kind == 8 {
			d.wrong("TCP: %s of %d bytes", tcpOptionKinds[kind], n+2)
		}
		d.bytes("option data", n)
	}
}
