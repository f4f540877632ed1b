package path

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// recordings are ways that fd3 path --record has written, a folder for each kernel, a file
// for each call.
//
//go:embed recordings
var recordings embed.FS

// ErrNoRecording says that the way of a call was recorded on no kernel.
var ErrNoRecording = errors.New("no recording")

// Recorded returns the recorded way of a call, by its name: that of the running kernel's
// version, else of the newest.
func Recorded(call string) (Path, error) {
	files, err := fs.Glob(recordings, path.Join("recordings", "*", call+".json"))
	if err != nil || len(files) == 0 {
		return Path{}, ErrNoRecording
	}
	slices.SortFunc(files, func(a, b string) int { return versionOf(a) - versionOf(b) })
	file := files[len(files)-1]
	for _, f := range files {
		if strings.HasPrefix(release(), path.Base(path.Dir(f))+".") {
			file = f
		}
	}
	text, err := recordings.ReadFile(file)
	if err != nil {
		return Path{}, err
	}
	var p Path
	err = json.Unmarshal(text, &p)
	return p, err
}

// versionOf is a number that orders the folders 6.1, 6.12, 6.18.
func versionOf(file string) int {
	var major, minor int
	fmt.Sscanf(path.Base(path.Dir(file)), "%d.%d", &major, &minor)
	return major*1000 + minor
}
