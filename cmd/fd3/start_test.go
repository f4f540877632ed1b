package main

import (
	"regexp"
	"strconv"
	"testing"

	"fd3/sockets/kernel"
	"fd3/sockets/stage"
)

// The first socket of a server is descriptor 3, and fd3's own are high ones. A package that
// reads a file when it is initialized makes the Go runtime open its poller among them, too
// early to be raised.
func TestLowDescriptorsAreTheServersOwn(t *testing.T) {
	t.Parallel()
	p := in(t)
	out, err := p.fd3("socket", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	born := regexp.MustCompile(`"pid":(\d+),"section":"born"`).FindSubmatch(out)
	if born == nil {
		t.Fatalf("%s", out)
	}
	pid, _ := strconv.Atoi(string(born[1]))
	fds, err := kernel.FDs(pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		switch own := fd.Number < stage.FirstControlFD; {
		case own && fd.Number > 3, own && fd.Number == 3 && fd.Inode == 0:
			t.Errorf("%d is %s", fd.Number, fd.Target)
		}
	}
}
