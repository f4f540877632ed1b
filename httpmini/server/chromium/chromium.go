// Package chromium shows pages to a real browser, for tests. Only tests import it.
package chromium

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	console "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for a test. It is large.
const patience = 2 * time.Minute

// Start starts the browser at a path. It ends with the test.
func Start(t testing.TB, path string) context.Context {
	t.Helper()
	home := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(home),
		chromedp.NoInheritEnv, chromedp.Env("PATH="+os.Getenv("PATH"), "HOME="+home, "TMPDIR="+home),
		chromedp.NoSandbox, // root has none, nor has a user in many a container; and the pages are ours
		chromedp.Flag("no-proxy-server", true),
	)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chromedp.Cancel(ctx) }) // and waits for its end
	return ctx
}

// A Tab is a page in Chromium, and what Chromium has to say of it.
type Tab struct {
	context.Context
	t testing.TB

	mu    sync.Mutex
	notes []string // what the console of the page shows
}

// Open loads a page in a new tab of the browser, with all that belongs to it.
func Open(t testing.TB, browser context.Context, url string) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &Tab{Context: ctx, t: t}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	b.Do(chromedp.Navigate(url))
	return b
}

func (b *Tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *console.EventEntryAdded: // what does not load, what a policy forbids
		b.notes = append(b.notes, fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text, " ", e.Entry.URL))
	case *runtime.EventConsoleAPICalled:
		b.notes = append(b.notes, fmt.Sprint("console.", e.Type))
	case *runtime.EventExceptionThrown:
		b.notes = append(b.notes, e.ExceptionDetails.Text)
	}
}

// Silent sees that the console of the page is empty.
func (b *Tab) Silent() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.notes) > 0 {
		b.t.Errorf("Chromium says:\n%s", strings.Join(b.notes, "\n"))
	}
}

// Do does something with the page.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// Finds is what a script finds in the page.
func Finds[T any](b *Tab, script string) T {
	b.t.Helper()
	found, err := chromedp.Run(b, chromedp.Evaluate[T](script))
	if err != nil {
		b.t.Fatal(err)
	}
	return found
}
