package docroot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzNames looks for a name that leads out: whatever is opened lies inside.
func FuzzNames(f *testing.F) {
	for _, name := range []string{"", "a.txt", "sub/../a.txt", "../secret", "out-dir/secret", "//..//site", "to-sub/../../secret",
		"magic/..", "\x00", "loop/", "sub/up/..", "./././.", "out-absolute", "fifo", "socket"} {
		f.Add(name)
	}
	site := tree(f)
	inside, err := filepath.EvalSymlinks(site)
	try(f, err)
	root := open(f, site)
	walks := *root
	walks.walks = true
	f.Fuzz(func(t *testing.T, name string) {
		for _, r := range []*Root{root, &walks} {
			file, err := r.Open(nil, name)
			if err != nil {
				status(t, err)
				continue
			}
			if !file.IsDir {
				if text := content(t, file); !strings.HasPrefix(text, "site/") {
					t.Errorf("%q gave %q", name, text)
				}
				file.Close()
			}
			place, _, err := r.find(nil, name)
			try(t, err)
			path, err := os.Readlink(fmt.Sprint("/proc/self/fd/", place))
			try(t, err)
			if path != inside && !strings.HasPrefix(path, inside+"/") {
				t.Errorf("%q gave %s", name, path)
			}
			unix.Close(place)
		}
	})
}
