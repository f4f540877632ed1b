package wire

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A file has its interfaces by name, times to the nanosecond, and the words beside each
// packet.
func TestCapture(t *testing.T) {
	var file bytes.Buffer
	c, err := NewCapture(&file, "fd3 wire", Interface{"client", "net0 of the client"}, Interface{Name: "server"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1764400000, 123456789)
	for i, comment := range []string{"connect(3, …) von „curl“, 漢字", "", "held"} {
		if err := c.Write(i%2, at.Add(time.Duration(i)), draft().Frame(), comment); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out := tshark(t, "-r", path, "-T", "fields", "-E", "separator=|", "-e", "frame.interface_name", "-e", "frame.interface_description",
		"-e", "frame.time_epoch", "-e", "frame.comment", "-e", "frame.len")
	want := `client|net0 of the client|1764400000.123456789|connect(3, …) von „curl“, 漢字|58
server||1764400000.123456790||58
client|net0 of the client|1764400000.123456791|held|58
`
	if got := string(out); strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
		t.Errorf("%s\nnot\n%s", got, want)
	}
}
