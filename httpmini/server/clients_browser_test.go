package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	console "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"fd3/sockets/kernel"
)

// A tab is a page in Chromium, and what Chromium has to say of it.
type tab struct {
	context.Context
	t *testing.T

	mu    sync.Mutex
	notes []string // what the console of the page shows
}

// chromium starts a browser.
func chromium(t *testing.T) context.Context {
	t.Helper()
	home := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(needTool(t, "chromium")),
		chromedp.UserDataDir(home),
		chromedp.NoInheritEnv, chromedp.Env("PATH="+os.Getenv("PATH"), "HOME="+home, "TMPDIR="+home),
		chromedp.NoSandbox, // root has none, nor has a user in many a container; and the pages are ours
		chromedp.Flag("no-proxy-server", true),
	)
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience) // it is large
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	t.Cleanup(func() { chromedp.Cancel(ctx) }) // and waits for its end
	return ctx
}

// open loads a page in a new tab of the browser, with all that belongs to it.
func open(t *testing.T, browser context.Context, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{Context: ctx, t: t}
	must(t, chromedp.Listen(ctx, b.listen))
	must(t, chromedp.Do(ctx, chromedp.Navigate(url)))
	return b
}

func (b *tab) listen(event any) {
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

// silent sees that the console of the page is empty.
func (b *tab) silent() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.notes) > 0 {
		b.t.Errorf("Chromium says:\n%s", strings.Join(b.notes, "\n"))
	}
}

// finds is what a script finds in the page.
func finds[T any](b *tab, script string) T {
	b.t.Helper()
	found, err := chromedp.Run(b, chromedp.Evaluate[T](script))
	must(b.t, err)
	return found
}

// album is a page with its style sheet, script and pictures.
func album(t *testing.T) (dir string) {
	t.Helper()
	noise := image.NewGray(image.Rect(0, 0, 600, 500)) // does not compress: more than a send buffer
	random := rand.NewChaCha8([32]byte{})
	random.Read(noise.Pix)
	var p, g, j bytes.Buffer
	must(t, png.Encode(&p, noise))
	must(t, gif.Encode(&g, noise.SubImage(image.Rect(0, 0, 8, 8)), nil))
	must(t, jpeg.Encode(&j, noise.SubImage(image.Rect(0, 0, 80, 80)), nil))
	webp, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	must(t, err)
	files := map[string]string{
		"style/page.css":   "p { color: rgb(1, 2, 3); background: url(../pictures/back.svg) }",
		"page.js":          "document.title = 'changed'",
		"pictures/a.png":   p.String(),
		"pictures/b.gif":   g.String(),
		"pictures/c.jpg":   j.String(),
		"pictures/d.webp":  string(webp),
		"pictures/e f.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="9"/></svg>`,
	}
	files["pictures/back.svg"] = files["pictures/e f.svg"]
	files["favicon.ico"] = g.String() // Chromium wants it for the picture that is a page of its own
	page := "<!doctype html><title>Album</title><meta charset=utf-8><link rel=icon href=pictures/back.svg>" +
		"<link rel=stylesheet href=style/page.css><script type=module src=page.js></script><p>Pictures"
	for _, name := range []string{"a.png", "b.gif", "c.jpg", "d.webp", "e f.svg"} {
		page += fmt.Sprintf("<img src='pictures/%s'>", name)
	}
	files["index.html"] = page
	dir = t.TempDir()
	fill(t, dir, files)
	return dir
}

// Chromium connects ahead of its requests and keeps what it has, so it is no
// client for the iterative loop.
func TestChromium(t *testing.T) {
	browser := chromium(t)
	dir := album(t)
	concurrent := []Loop{Threads, Epoll}
	onLoops(t, concurrent, dir, func(t *testing.T, s *served) {
		b := open(t, browser, s.url("/"))
		type sight struct {
			Title, Color string
			Pictures     int // that are drawn
		}
		seen := finds[sight](b, `({
			Title: document.title,
			Color: getComputedStyle(document.querySelector('p')).color,
			Pictures: Array.from(document.images).filter(i => i.complete && i.naturalWidth > 0).length,
		})`)
		if seen != (sight{"changed", "rgb(1, 2, 3)", 5}) {
			t.Errorf("the page has %+v", seen)
		}
		b.silent()
	})
	t.Run("listing", func(t *testing.T) {
		onLoops(t, concurrent, dir, func(t *testing.T, s *served) {
			b := open(t, browser, s.url("/pictures/"))
			must(t, chromedp.Do(b, chromedp.Click(chromedp.CSS(`a[href$="svg"]`)), chromedp.WaitVisible(chromedp.CSS("svg"))))
			b.silent()
		})
	})
	t.Run("visitor's page", func(t *testing.T) {
		onLoops(t, concurrent, "", func(t *testing.T, s *served) {
			b := open(t, browser, s.url("/"))
			text := finds[string](b, "document.body.innerText")
			says(t, text, `GET / HTTP/1\.1\\r\\n`, `User-Agent: .*Chrome`, `accept4\(\d+`, `tcpi_rtt`)
			b.descriptor(text, s)
			b.silent()
		})
	})
}

// descriptor sees that the page names the descriptor of its own connection, which
// Chromium keeps.
func (b *tab) descriptor(text string, s *served) {
	b.t.Helper()
	found := regexp.MustCompile(`descriptor (\d+)`).FindStringSubmatch(text)
	if found == nil {
		b.t.Fatalf("no descriptor in %s", text)
	}
	fd, _ := strconv.Atoi(found[1])
	asked, err := kernel.Ask(fd)
	if err != nil || asked.Local.String() != s.addr.String() || !asked.Connected() {
		b.t.Errorf("descriptor %d is no connection to %s: %v %v", fd, s.addr, asked.Local, err)
	}
	if port := strings.Split(asked.Peer.String(), ":")[1]; !strings.Contains(text, port) {
		b.t.Errorf("the client's port is %s, but the page says %s", port, text)
	}
}
