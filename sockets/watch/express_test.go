package watch_test

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// Express, where npm(1) is here and can fetch it: strace(1) is the referee.
func TestExpressAgrees(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "npm", "install", "--prefix", dir, "--no-audit", "--no-fund", "--silent", "express@4").CombinedOutput(); err != nil {
		t.Skipf("needs npm, and Express from it: %v: %s", err, out)
	}
	port := freePort(t)
	program := fmt.Sprintf(`require('%s/node_modules/express')().get('/', (q, r) => r.send('hello')).listen(%d, '127.0.0.1')`, dir, port)
	s := scenario{argv: []string{"node", "-e", program}, end: true, port: port, loosely: true, during: func(t *testing.T) {
		for range 2 {
			fetch(t, "127.0.0.1:"+strconv.Itoa(port))
		}
	}}
	s.agrees(t)
}
