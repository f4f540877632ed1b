package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"fd3/httpmini/server/chromium"
)

// readable finds what cannot be read: a text that has a contrast of less than 4.5:1 with
// what stands behind it (WCAG 2.2, 1.4.3).
const readable = `(() => {
	const parts = c => c.match(/[\d.]+/g).map(Number)
	const luminance = c => {
		const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		return 0.2126 * r + 0.7152 * g + 0.0722 * b
	}
	const behind = e => {
		for (; e; e = e.parentElement) {
			const c = parts(getComputedStyle(e).backgroundColor)
			if (c.length == 3 || c[3] == 1) return c
		}
		return [255, 255, 255]
	}
	const bad = []
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement
		if (!texts.currentNode.data.trim() || ['STYLE', 'title', 'desc', 'style', 'METER'].includes(e.nodeName)) continue
		const style = getComputedStyle(e), back = behind(e)
		const text = parts(e instanceof SVGElement ? style.fill : style.color)
		const opacity = Number(style.opacity)
		const seen = text.slice(0, 3).map((v, i) => v * opacity + back[i] * (1 - opacity))
		const [a, b] = [luminance(seen), luminance(back)].sort((x, y) => y - x)
		if ((a + 0.05) / (b + 0.05) < 4.5) bad.push(e.nodeName + ' ' + texts.currentNode.data.trim() + ': ' + ((a + 0.05) / (b + 0.05)).toFixed(1))
	}
	return bad
})()`

// cut finds the drawings that a page of paper cannot have whole. A4 less its margins is
// 657 pixels wide, and US Letter 918 high.
const cut = `[...document.querySelectorAll('figure')].filter(f =>
	getComputedStyle(f).breakInside != 'avoid' || f.getBoundingClientRect().height > 918 || f.scrollWidth > f.clientWidth
).map(f => f.getBoundingClientRect().height + ' px: ' + f.textContent.trim())`

// The learner's sheet can be read in a light and in a dark browser and on paper, where no
// drawing is cut and nothing has a colour. The words of a drawing can be selected.
func TestHandoutInABrowser(t *testing.T) {
	t.Parallel()
	p := in(t)
	path := filepath.Join(p.base, "listen.html")
	if out, err := p.fd3("handout", "listen", "--html", "--output", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	needTool(t, "chromium")
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	page := chromium.Open(t, chromium.Start(t, program), "file://"+path)
	if n := chromium.Finds[int](page, `document.querySelectorAll('figure svg text').length`); n < 50 {
		t.Fatalf("%d words in drawings", n)
	}
	selected := chromium.Finds[string](page, `getSelection().selectAllChildren(document.querySelector('figure svg')), getSelection().toString()`)
	if !strings.Contains(selected, "server") {
		t.Errorf("of a drawing one can select %q", selected)
	}
	for _, media := range []emulation.SetEmulatedMediaParams{
		{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}},
		{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}},
		{Media: "print"},
	} {
		if _, err := chromedp.Call(page, emulation.SetEmulatedMedia, media); err != nil {
			t.Fatal(err)
		}
		if bad := chromium.Finds[[]string](page, readable); len(bad) > 0 {
			t.Errorf("%+v: too little contrast:\n%s", media, strings.Join(bad, "\n"))
		}
	}
	page.Do(chromedp.EmulateViewport(657, 918))
	if bad := chromium.Finds[[]string](page, cut); len(bad) > 0 {
		t.Errorf("on paper these are cut:\n%s", strings.Join(bad, "\n"))
	}
	coloured := `[...document.querySelectorAll('body *')].filter(e => {
		const [r, g, b] = getComputedStyle(e).color.match(/[\d.]+/g)
		return r != g || g != b
	}).map(e => e.outerHTML.slice(0, 80))`
	if bad := chromium.Finds[[]string](page, coloured); len(bad) > 0 {
		t.Errorf("on paper these have colours:\n%s", strings.Join(bad, "\n"))
	}
	page.Silent()
}
