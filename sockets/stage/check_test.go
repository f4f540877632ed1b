package stage

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"fd3/sockets"
)

func TestOrdersThatAreRefused(t *testing.T) {
	for name, o := range map[string]Order{
		"no call":           {},
		"an unknown call":   {Do: "unlink"},
		"no call but quit":  {Do: quit},
		"a negative size":   {Do: "recvfrom", Size: -1},
		"a negative read":   {Do: "read", Size: math.MinInt},
		"a huge size":       {Do: "recvfrom", Size: MaxData + 1},
		"a huge read":       {Do: "read", Size: math.MaxInt},
		"too much data":     {Do: "sendto", Data: make([]byte, MaxData+1)},
		"a long address":    {Do: "bind", Addr: make(sockets.Sockaddr, 129)},
		"a long path":       {Do: "openat", Path: strings.Repeat("x", 4096)},
		"a path with a NUL": {Do: "openat", Path: "a\x00b"},
		"fd over an int":    {Do: "close", FD: math.MaxInt32 + 1},
		"fd below an int":   {Do: "close", FD: math.MinInt32 - 1},
		"domain":            {Do: "socket", Domain: math.MaxInt},
		"type":              {Do: "socket", Type: math.MaxInt},
		"protocol":          {Do: "socket", Protocol: math.MinInt},
		"backlog":           {Do: "listen", Backlog: math.MaxInt},
		"level":             {Do: "setsockopt", Level: math.MaxInt},
		"option":            {Do: "setsockopt", Option: math.MaxInt},
		"value":             {Do: "setsockopt", Value: math.MaxInt},
		"flags":             {Do: "accept4", Flags: math.MaxInt},
		"how":               {Do: "shutdown", How: math.MaxInt},
		"a handler":         {Do: "sigaction", Value: 4096},
	} {
		if err := o.check(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for name, o := range map[string]Order{
		"a descriptor that is not open": {Do: "close", FD: -1},
		"nothing to read":               {Do: "read"},
		"as much as there may be":       {Do: "sendto", Size: MaxData, Data: make([]byte, MaxData), Addr: make(sockets.Sockaddr, 128)},
		"an address without a family":   {Do: "bind"},
		"SIG_IGN":                       {Do: "sigaction", Value: 1},
	} {
		if err := o.check(); err != nil {
			t.Errorf("%s was refused: %v", name, err)
		}
	}
}

// An order that is not refused can be made and told, whatever it asks for. Here it
// gets a descriptor that is not open, and a path that leads nowhere.
func FuzzOrder(f *testing.F) {
	for do := range performers {
		f.Add([]byte(`{"do":"` + do + `","size":9,"addr":"AgAfkH8AAAE=","data":"aGVsbG8=","flags":64,"level":6,"option":1,"value":1,"type":1}`))
	}
	f.Add([]byte(`{"do":"recvfrom","size":-1}`))
	f.Add([]byte(`{"do":"setsockopt","option":20,"timeout":-9223372036854775808}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var o Order
		if json.Unmarshal(text, &o) != nil || o.check() != nil {
			return
		}
		if o.FD = -1; o.Do == "sigaction" {
			o.Value = int(sockets.SIG_IGN)
		}
		if o.Do == "openat" {
			o.Path = "/proc/self/nowhere/" + o.Path
		}
		tracer := sockets.Tracer{Observe: func(c sockets.Call) { told(t, c) }}
		if c := perform(&tracer, o); c.Errno == 0 && c.Name == "socket" {
			unix.Close(int(c.Ret))
		}
	})
}

// told expects that a call passes a line unchanged.
func told(t *testing.T, c sockets.Call) {
	line, err := json.Marshal(Report{Call: &c})
	if err != nil {
		t.Fatal(err)
	}
	if len(line) > maxLine {
		t.Errorf("a line of %d bytes", len(line))
	}
	var r Report
	if err := json.Unmarshal(line, &r); err != nil || r.Call.Strace() != strings.ToValidUTF8(c.Strace(), "\ufffd") {
		t.Errorf("%v: %s became %s", err, c.Strace(), r.Call.Strace())
	}
}
