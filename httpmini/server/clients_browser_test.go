package server

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"fd3/httpmini/server/chromium"
	"fd3/sockets/kernel"
)

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
	browser := chromium.Start(t, needTool(t, "chromium"))
	dir := album(t)
	concurrent := []Loop{Threads, Epoll}
	onLoops(t, concurrent, dir, func(t *testing.T, s *served) {
		b := chromium.Open(t, browser, s.url("/"))
		type sight struct {
			Title, Color string
			Pictures     int // that are drawn
		}
		seen := chromium.Finds[sight](b, `({
			Title: document.title,
			Color: getComputedStyle(document.querySelector('p')).color,
			Pictures: Array.from(document.images).filter(i => i.complete && i.naturalWidth > 0).length,
		})`)
		if seen != (sight{"changed", "rgb(1, 2, 3)", 5}) {
			t.Errorf("the page has %+v", seen)
		}
		b.Silent()
	})
	t.Run("listing", func(t *testing.T) {
		onLoops(t, concurrent, dir, func(t *testing.T, s *served) {
			b := chromium.Open(t, browser, s.url("/pictures/"))
			b.Do(chromedp.Click(chromedp.CSS(`a[href$="svg"]`)), chromedp.WaitVisible(chromedp.CSS("svg")))
			b.Silent()
		})
	})
	t.Run("visitor's page", func(t *testing.T) {
		onLoops(t, concurrent, "", func(t *testing.T, s *served) {
			b := chromium.Open(t, browser, s.url("/"))
			text := chromium.Finds[string](b, "document.body.innerText")
			says(t, text, `GET / HTTP/1\.1\\r\\n`, `User-Agent: .*Chrome`, `accept4\(\d+`, `tcpi_rtt`)
			namesDescriptor(t, text, s)
			b.Silent()
		})
	})
}

// namesDescriptor sees that the page names the descriptor of its own connection, which
// Chromium keeps.
func namesDescriptor(t *testing.T, text string, s *served) {
	t.Helper()
	found := regexp.MustCompile(`descriptor (\d+)`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no descriptor in %s", text)
	}
	fd, _ := strconv.Atoi(found[1])
	asked, err := kernel.Ask(fd)
	if err != nil || asked.Local.String() != s.addr.String() || !asked.Connected() {
		t.Errorf("descriptor %d is no connection to %s: %v %v", fd, s.addr, asked.Local, err)
	}
	if port := strings.Split(asked.Peer.String(), ":")[1]; !strings.Contains(text, port) {
		t.Errorf("the client's port is %s, but the page says %s", port, text)
	}
}
