package path

import (
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// recordings are ways that fd3 path --record has written, a folder for each kernel, a file
// for each call.
//
//go:embed recordings
var recordings embed.FS

// ErrNoRecording says that the way of a call was recorded on no kernel.
var ErrNoRecording = errors.New("no recording")

// Recorded returns the recorded way of a call, by its name: of the recordings that there are
// that of the kernel whose version is the nearest to the running one's.
func Recorded(call string) (Path, error) {
	files, err := fs.Glob(recordings, path.Join("recordings", "*", call+".json"))
	if err != nil || len(files) == 0 {
		return Path{}, ErrNoRecording
	}
	return recorded(nearest(files, release()))
}

func recorded(file string) (Path, error) {
	text, err := recordings.ReadFile(file)
	if err != nil {
		return Path{}, err
	}
	var p Path
	err = json.Unmarshal(text, &p)
	return p, err
}

// nearest returns that of the files whose folder is the nearest to a kernel's release. Of two
// that are as near it is the newer one's.
func nearest(files []string, release string) string {
	own := versionOf(release)
	return slices.MinFunc(files, func(a, b string) int {
		a, b = path.Base(path.Dir(a)), path.Base(path.Dir(b))
		return cmp.Or(max(versionOf(a)-own, own-versionOf(a))-max(versionOf(b)-own, own-versionOf(b)), versionOf(b)-versionOf(a))
	})
}

// versionOf is a number that orders 6.1, 6.12 and 6.18.44.
func versionOf(release string) int {
	var major, minor int
	fmt.Sscanf(release, "%d.%d", &major, &minor)
	return major*1000 + minor
}
