// Package content is the words of fd3, apart from its code: a Markdown file a
// step, a glossary, and below course a file a lesson.
package content

import "embed"

//go:embed *.md
var Files embed.FS
