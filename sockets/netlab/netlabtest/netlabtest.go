// Package netlabtest makes networks for the tests of other packages.
package netlabtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"fd3/sockets/netlab"
)

// Up returns a network that is there until the end of the test, and whose name Name says.
// Where the machine denies its user one, the test is skipped.
func Up(t testing.TB) *netlab.Network {
	t.Helper()
	name := Name(t)
	_, _, err := netlab.Up(name, netlab.Options{})
	if denied := new(netlab.DeniedError); errors.As(err, &denied) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	n, err := netlab.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.Close()
		netlab.Down(context.Background(), name)
	})
	return n
}

// Name is that of a test's network: the end of the test's own.
func Name(t testing.TB) string {
	name := strings.ReplaceAll(strings.ToLower(t.Name()), "/", "-")
	const most = 30
	return "t" + strings.Trim(name[max(len(name)-most, 0):], "-")
}
