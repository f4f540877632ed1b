package kernel

import (
	_ "embed"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Taken from Linux 6.18 on a little-endian machine.
var (
	//go:embed testdata/tcp
	tcpText string
	//go:embed testdata/tcp6
	tcp6Text string
	//go:embed testdata/udp
	udpText string
	//go:embed testdata/udp6
	udp6Text string
	//go:embed testdata/unix
	unixText string
)

// littleEndian skips where the fixtures' words would be read the other way round.
func littleEndian(t testing.TB) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the fixtures are from a little-endian machine")
	}
}

func TestParseTable(t *testing.T) {
	littleEndian(t)
	for _, test := range []struct {
		text  string
		line  int
		local string
		state State
		rx    uint32
		inode uint64
	}{
		{tcpText, 0, "127.0.0.1:47491", Listen, 1, 7574},
		{tcpText, 3, "127.0.0.1:47491", Established, 5, 0},
		{tcpText, 4, "127.0.0.1:33851", SynRecv, 0, 0},
		{tcp6Text, 0, "[::1]:36925", Listen, 0, 7575},
		{tcp6Text, 3, "[::1]:36925", CloseWait, 1, 7582},
		{tcp6Text, 4, "[::ffff:127.0.0.1]:54657", Established, 0, 7584},
		{tcp6Text, 6, "[::1]:52096", FinWait2, 0, 7581},
		{tcp6Text, 7, "[::1]:52106", TimeWait, 0, 0},
		{udpText, 0, "127.0.0.1:59545", Close, 0x340, 7588},
		{udp6Text, 0, "[::1]:41290", Established, 0, 7589},
	} {
		rows, err := parseTable(test.text)
		if err != nil {
			t.Fatal(err)
		}
		row := rows[test.line]
		if row.Local != netip.MustParseAddrPort(test.local) || row.State != test.state || row.RxQueue != test.rx || row.Inode != test.inode {
			t.Errorf("%s: %+v", row.Raw, row)
		}
		if row.Raw != strings.TrimRight(row.Raw, " \n") || !strings.Contains(test.text, row.Raw) {
			t.Errorf("raw %q", row.Raw)
		}
	}
}

// An address whose sixteen bytes all differ: each word is turned, the words
// stay in their order.
func TestParseAddrPortOrder(t *testing.T) {
	littleEndian(t)
	got, err := parseAddrPort("04030201080706050C0B0A09100F0E0D:1F90")
	if want := netip.MustParseAddrPort("[102:304:506:708:90a:b0c:d0e:f10]:8080"); err != nil || got != want {
		t.Errorf("%v, not %v, %v", got, want, err)
	}
}

const (
	tcpHeader = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	udpHeader = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
	goodRow   = "   1: 00000000:07E8 00000000:0000 0A 00000003:00000004 02:0000000A 00000005  1000        6 1060 1 00000000fdd95d03 100 0 0 10 0\n"
)

func TestParseTableColumns(t *testing.T) {
	rows, err := parseTable(tcpHeader + goodRow)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	any4 := netip.AddrFrom4([4]byte{})
	want := Row{
		Local: netip.AddrPortFrom(any4, 2024), State: Listen, RxQueue: 4, Inode: 1060, Raw: strings.TrimSuffix(goodRow, "\n"),
	}
	if rows[0] != want {
		t.Errorf("%+v", rows[0])
	}
	rows, err = parseTable(udpHeader + goodRow)
	if err != nil || rows[0].Drops != 100 {
		t.Errorf("%+v, %v", rows, err)
	}
	if rows, err := parseTable(tcpHeader); err != nil || len(rows) != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestParseTableHostile(t *testing.T) {
	texts := []string{"", "\n", "garbage", goodRow, "\x00\xff", udpHeader + strings.Replace(goodRow, " 100 0 0 10 0", "", 1)}
	for _, row := range []string{
		"\n", "   1:\n", "   1: 00000000:07E8\n", "\x00\xff\xfe\n",
		strings.Replace(goodRow, "00000000:07E8", "0000000:07E8", 1),
		strings.Replace(goodRow, "00000000:07E8", "0000000007E8", 1),
		strings.Replace(goodRow, "00000000:07E8", "00000000:107E8", 1),
		strings.Replace(goodRow, "00000000:07E8", "0000000g:07E8", 1),
		strings.Replace(goodRow, "00000000:07E8", "+0000000:07E8", 1),
		strings.Replace(goodRow, "00000000:07E8", "0000_000:07E8", 1),
		strings.Replace(goodRow, " 0A ", " 10A ", 1),
		strings.Replace(goodRow, ":00000004", ":100000004", 1),
		strings.Replace(goodRow, "00000003:", "00000003", 1),
		strings.Replace(goodRow, " 1060 ", " 1060x ", 1),
		strings.Replace(goodRow, " 1060 ", " -1 ", 1),
	} {
		texts = append(texts, tcpHeader+row, tcpHeader+goodRow+row)
	}
	for _, text := range texts {
		if rows, err := parseTable(text); err == nil {
			t.Errorf("%q gives %+v", text, rows)
		}
	}
	if _, err := parseTable(tcpHeader + goodRow + "short\n"); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("error %v", err)
	}
}

// Every cut of a real table is an error or a shorter table, and never a panic.
func TestParseTablePrefixes(t *testing.T) {
	littleEndian(t)
	for _, text := range []string{tcpText, tcp6Text, udpText, udp6Text} {
		for i := range text {
			parseTable(text[:i])
		}
	}
	for i := range unixText {
		parseUnixTable(unixText[:i])
	}
}

func FuzzTable(f *testing.F) {
	for _, text := range []string{tcpText, tcp6Text, udpText, udp6Text, tcpHeader + goodRow, udpHeader + goodRow} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := parseTable(text)
		if err != nil && rows != nil {
			t.Error("rows and an error")
		}
		for _, row := range rows {
			if !row.Local.IsValid() || !strings.Contains(text, row.Raw) {
				t.Errorf("%+v", row)
			}
		}
	})
}

func TestTableUDP(t *testing.T) {
	fd := socket(t, unix.AF_INET, unix.SOCK_DGRAM)
	addr := bind(t, fd, unix.AF_INET)
	row, ok := rowByInode(table(t, "udp"), inode(t, fd))
	if !ok || row.Local != addr || row.State != Close || row.RxQueue != 0 {
		t.Errorf("%v: %+v", addr, row)
	}
	diag, ok := found(udpSockets(t).Inode(inode(t, fd)))
	if !ok || diag.Local != addr || diag.State != Close {
		t.Errorf("sock_diag: %+v", diag)
	}

	// What waits is counted as the memory it takes, in both.
	if err := unix.Sendto(fd, make([]byte, 10), 0, sockaddr(addr)); err != nil {
		t.Fatal(err)
	}
	row, _ = rowByInode(table(t, "udp"), inode(t, fd))
	diag, _ = found(udpSockets(t).Inode(inode(t, fd)))
	if row.RxQueue < 10 || row.RxQueue != diag.RQueue {
		t.Errorf("10 bytes wait, and the queues are %d and %d", row.RxQueue, diag.RQueue)
	}
	t.Logf("a datagram of 10 bytes counts as %d", row.RxQueue)
}

func TestTableIPv6(t *testing.T) {
	fd, addr := listener(t, unix.AF_INET6, 3)
	row, ok := rowByInode(table(t, "tcp6"), inode(t, fd))
	if !ok || row.Local != addr || row.State != Listen {
		t.Errorf("getsockname says %v, /proc/net/tcp6 %+v", addr, row)
	}
}

func TestTableName(t *testing.T) {
	for _, name := range []string{"", "unix", "../stat", "netstat"} {
		if _, err := Own().Table(name); err == nil {
			t.Errorf("%q is a table", name)
		}
	}
}

func TestStateString(t *testing.T) {
	for state, want := range map[State]string{
		0: "state 0", 1: "ESTABLISHED", 4: "FIN_WAIT1", 7: "CLOSE", 10: "LISTEN", 12: "NEW_SYN_RECV",
		13: "BOUND_INACTIVE", 14: "state 14", 255: "state 255",
	} {
		if state.String() != want {
			t.Errorf("%d is %s, not %s", uint8(state), state, want)
		}
	}
	if allStates != 0x3fff || Listen.mask() != 1<<10 || State(255).mask() != 0 {
		t.Errorf("masks %#x %#x", allStates, Listen.mask())
	}
}
