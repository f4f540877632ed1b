package httpmini

// OctetStream is the type of a file that nothing is known about: just bytes. A
// browser saves it. RFC 2046 section 4.5.1.
const OctetStream = "application/octet-stream"

// MediaType returns the media type of a file by the extension of its name, in any
// case, or by its name if that has none, or OctetStream for one that is not in the
// tables. Text is UTF-8. The tables are the program's own: no file of the machine's,
// such as /etc/mime.types, is read.
func MediaType(name string) string {
	dot := len(name) - 1
	for dot >= 0 && name[dot] != '.' && name[dot] != '/' {
		dot--
	}
	if dot < 0 || name[dot] == '/' {
		if textNames[name[dot+1:]] {
			return "text/plain" + inUTF8
		}
		return OctetStream
	}
	var room [16]byte // on the stack, for usual extensions
	extension := append(room[:0], name[dot+1:]...)
	for i, c := range extension {
		extension[i] = lower(c)
	}
	if t, ok := mediaTypes[string(extension)]; ok {
		return t
	}
	return OctetStream
}

// textNames are names of text without an extension.
var textNames = map[string]bool{
	"README": true, "LICENSE": true, "LICENCE": true, "COPYING": true, "NOTICE": true, "AUTHORS": true, "CHANGELOG": true,
	"CONTRIBUTING": true, "INSTALL": true, "NEWS": true, "TODO": true, "Makefile": true, "Dockerfile": true,
}

const inUTF8 = "; charset=utf-8"

// mediaTypes are the types of what is on web pages and beside them. XML says in
// itself how it is encoded, and a charset would overrule that (RFC 7303 section
// 3.2); JSON is UTF-8 always (RFC 8259 section 8.1).
var mediaTypes = map[string]string{
	"htm":   "text/html" + inUTF8,
	"html":  "text/html" + inUTF8,
	"xhtml": "application/xhtml+xml",
	"css":   "text/css" + inUTF8,
	"js":    "text/javascript" + inUTF8, // RFC 9239
	"mjs":   "text/javascript" + inUTF8,
	"wasm":  "application/wasm",

	"json":        "application/json",
	"jsonld":      "application/ld+json",
	"map":         "application/json", // of a script or a style sheet
	"webmanifest": "application/manifest+json",
	"xml":         "application/xml",
	"atom":        "application/atom+xml",
	"rss":         "application/rss+xml",

	"txt":  "text/plain" + inUTF8,
	"text": "text/plain" + inUTF8,
	"log":  "text/plain" + inUTF8,
	"conf": "text/plain" + inUTF8,
	"cfg":  "text/plain" + inUTF8,
	"ini":  "text/plain" + inUTF8,
	"toml": "text/plain" + inUTF8, // to be read; application/toml would be saved
	"yaml": "text/plain" + inUTF8, // likewise application/yaml, RFC 9512
	"yml":  "text/plain" + inUTF8,
	"c":    "text/plain" + inUTF8,
	"h":    "text/plain" + inUTF8,
	"go":   "text/plain" + inUTF8,
	"py":   "text/plain" + inUTF8,
	"rs":   "text/plain" + inUTF8,
	"sh":   "text/plain" + inUTF8,
	"diff": "text/plain" + inUTF8,
	"md":   "text/markdown" + inUTF8, // RFC 7763
	"csv":  "text/csv" + inUTF8,
	"tsv":  "text/tab-separated-values" + inUTF8,
	"ics":  "text/calendar" + inUTF8,
	"vtt":  "text/vtt" + inUTF8,

	"svg":  "image/svg+xml",
	"png":  "image/png",
	"apng": "image/apng",
	"jpg":  "image/jpeg",
	"jpeg": "image/jpeg",
	"gif":  "image/gif",
	"webp": "image/webp",
	"avif": "image/avif",
	"heic": "image/heic",
	"heif": "image/heif",
	"bmp":  "image/bmp",
	"tif":  "image/tiff",
	"tiff": "image/tiff",
	"ico":  "image/vnd.microsoft.icon",

	"woff":  "font/woff", // RFC 8081
	"woff2": "font/woff2",
	"ttf":   "font/ttf",
	"otf":   "font/otf",

	"mp3":  "audio/mpeg",
	"m4a":  "audio/mp4",
	"aac":  "audio/aac",
	"flac": "audio/flac",
	"oga":  "audio/ogg",
	"ogg":  "audio/ogg",
	"opus": "audio/ogg",
	"wav":  "audio/wav",
	"weba": "audio/webm",
	"mp4":  "video/mp4",
	"m4v":  "video/mp4",
	"ogv":  "video/ogg",
	"webm": "video/webm",
	"ts":   "video/mp2t", // RFC 3555
	"m3u8": "application/vnd.apple.mpegurl",

	"pdf":  "application/pdf",
	"rtf":  "application/rtf",
	"docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	"pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	"odt":  "application/vnd.oasis.opendocument.text",
	"ods":  "application/vnd.oasis.opendocument.spreadsheet",
	"odp":  "application/vnd.oasis.opendocument.presentation",
	"epub": "application/epub+zip",
	"zip":  "application/zip",
	"gz":   "application/gzip",
	"tgz":  "application/gzip",
	"bz2":  "application/x-bzip2",
	"xz":   "application/x-xz",
	"zst":  "application/zstd",
	"7z":   "application/x-7z-compressed",
	"tar":  "application/x-tar",
	"bin":  OctetStream,
}

// PrefersHTML reports whether an answer that is there as HTML and as plain text
// should be HTML, by Accept (RFC 9110 section 12.5.1). The type with the higher
// weight wins. Of two with the same weight the one that is named wins, and HTML if
// both are, as browsers do it; application/xhtml+xml names HTML too. Where Accept
// does not tell them apart, as curl's "*/*", byDefault decides.
//
// Parameters other than q are passed over, since the pages have no variants by
// them, and so is an item with a malformed q.
func (r *Request) PrefersHTML(byDefault bool) bool {
	var html, plain mediaWeight
	for i := range r.Fields {
		if !fold(r.Fields[i].Name, "Accept") {
			continue
		}
		for rest := r.Fields[i].Value; len(rest) > 0; {
			var item []byte
			item, rest = cut(rest, ',')
			name, weight, ok := acceptable(item)
			switch {
			case !ok:
			case fold(name, "text/html"):
				html.see(5, weight)
			case fold(name, "application/xhtml+xml"):
				html.see(4, weight)
			case fold(name, "text/plain"):
				plain.see(3, weight)
			case fold(name, "text/*"):
				html.see(2, weight)
				plain.see(2, weight)
			case fold(name, "*/*"):
				html.see(1, weight)
				plain.see(1, weight)
			}
		}
	}
	switch {
	case html.weight != plain.weight:
		return html.weight > plain.weight
	case html.weight > 0 && html.precision != plain.precision:
		return html.precision > plain.precision
	}
	return byDefault
}

// mediaWeight is the weight of a media type: that of the most precise range
// which takes it in. It is 0 where none does. RFC 9110 section 12.5.1.
type mediaWeight struct {
	weight, precision int
}

// see takes the weight of a range. What the client refuses, by a weight of 0, is
// below what it does not name: RFC 9110 section 12.4.2.
func (m *mediaWeight) see(precision, weight int) {
	if weight == 0 {
		weight = -1
	}
	switch {
	case precision > m.precision:
		*m = mediaWeight{weight, precision}
	case precision == m.precision:
		m.weight = max(m.weight, weight)
	}
}

// acceptable takes an item of Accept apart: a media range, and its weight in
// thousandths. The parameter q is the weight wherever it stands.
func acceptable(item []byte) (name []byte, weight int, ok bool) {
	name, rest := cut(item, ';')
	first, last := trim(name, 0, len(name))
	name, weight = name[first:last], 1000
	for len(rest) > 0 {
		var parameter []byte
		parameter, rest = cut(rest, ';')
		first, last := trim(parameter, 0, len(parameter))
		if parameter = parameter[first:last]; len(parameter) >= 2 && lower(parameter[0]) == 'q' && parameter[1] == '=' {
			if weight, ok = qvalue(parameter[2:]); !ok {
				return nil, 0, false
			}
		}
	}
	return name, weight, true
}

// qvalue is a number from 0 to 1 with three digits after the dot at most, in
// thousandths. RFC 9110 section 12.4.2.
func qvalue(b []byte) (weight int, ok bool) {
	if len(b) == 0 || len(b) > len("0.000") || b[0] != '0' && b[0] != '1' || len(b) > 1 && b[1] != '.' {
		return 0, false
	}
	weight = int(b[0]-'0') * 1000
	for i, unit := 2, 100; i < len(b); i, unit = i+1, unit/10 {
		if !digit.has(b[i]) {
			return 0, false
		}
		weight += int(b[i]-'0') * unit
	}
	return weight, weight <= 1000
}

// cut splits b at the first mark that is in no quoted-string. RFC 9110 section
// 5.6.4.
func cut(b []byte, mark byte) (before, after []byte) {
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == mark && !quoted:
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}
