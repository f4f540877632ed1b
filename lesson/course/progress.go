package course

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fd3/lesson/course/lab"
	"fd3/lesson/outfile"
	"fd3/lesson/words"
)

// Progress is where a learner is in the course, and what they have done. It is kept in
// a file, which each change writes anew. The zero Progress keeps nothing. It may be
// used from several goroutines.
//
// An error of a change says that it is not kept. It is returned once; the tour goes
// on without.
type Progress struct {
	mu     sync.Mutex
	path   string // of the file; empty: nothing is kept
	failed bool   // the file could not be written, and that has been told
	seed   uint32 // of the order of choices, the same until the tour ends; 0: the file's order
	kept   kept
}

// kept is the file.
type kept struct {
	Version     int                   `json:"version"`
	Lesson      string                `json:"lesson,omitempty"`
	Part        int                   `json:"part"` // of the lesson, from 0
	Finished    []string              `json:"finished,omitempty"`
	Predictions map[string]prediction `json:"predictions,omitempty"` // by "lesson/name"
	Readings    map[string]reading    `json:"readings,omitempty"`    // by "lesson/name" of the experiment
	Seed        uint32                `json:"seed,omitempty"`        // of the order of choices; 0: a file of an older fd3
	Theme       string                `json:"theme,omitempty"`       // of the screen, as it was chosen last; empty: it never was
}

// A prediction is what the learner said last, and what the kernel did.
type prediction struct {
	Choice   string `json:"choice"`
	Answer   string `json:"answer,omitempty"`   // the kernel's, when the verdict came; empty before
	Recalled string `json:"recalled,omitempty"` // what the learner said when they were asked again
	When     int    `json:"when,omitempty"`     // the order in which these were last told of, from 1
}

// known reports whether the learner said last what the kernel did.
func (p prediction) known() bool { return cmp.Or(p.Recalled, p.Choice) == p.Answer }

// progressVersion is that of the file. Another one cannot be read.
const progressVersion = 1

// LoadProgress reads the file of this user. There is always a Progress; an error is
// for the learner to know: nothing can be kept, or the old file is put aside.
func LoadProgress() (*Progress, error) {
	folder, err := stateFolder()
	if err != nil {
		return &Progress{seed: draw()}, fmt.Errorf("the place in the tour is not kept: %w", err)
	}
	p := &Progress{path: filepath.Join(folder, "tour.json"), seed: draw()}
	if unlock, err := lockFolder(folder); err == nil {
		defer unlock()
		sweep(p.path)
	}
	text, err := readRegular(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, nil
	case err != nil:
		return &Progress{seed: draw()}, fmt.Errorf("the place in the tour is not kept: %w", err)
	}
	k, ok := parseKept(text)
	if k.Seed != 0 {
		p.seed = k.Seed
	}
	if p.kept = k; !ok {
		p.kept = kept{}
		aside := p.path + ".damaged"
		if err := os.Rename(p.path, aside); err != nil {
			return &Progress{seed: draw()}, fmt.Errorf("the place in the tour is not kept: %w", err)
		}
		return p, fmt.Errorf("the tour begins anew: its file was damaged, or of another version of fd3. It is now %s", aside)
	}
	return p, nil
}

// readRegular reads a regular file. The end of another might never come.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return os.ReadFile(path)
}

// stateFolder returns the folder for files that outlive fd3, after the XDG Base
// Directory Specification: a path that is not absolute does not count.
func stateFolder() (string, error) {
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "fd3"), nil
	}
	home := os.Getenv("HOME")
	if !filepath.IsAbs(home) {
		return "", errors.New("neither XDG_STATE_HOME nor HOME is set")
	}
	return filepath.Join(home, ".local", "state", "fd3"), nil
}

// Place returns the lesson and the part of it where the learner stopped, or an empty
// lesson if there is none.
func (p *Progress) Place() (lesson string, part int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept.Lesson, p.kept.Part
}

// SetPlace notes where the learner is. An empty lesson is the end of the course.
func (p *Progress) SetPlace(lesson string, part int) error {
	return p.change(func(k *kept) { k.Lesson, k.Part = lesson, part })
}

// Finish notes that the learner has come to the end of a lesson.
func (p *Progress) Finish(lesson string) error {
	return p.change(func(k *kept) {
		if !slices.Contains(k.Finished, lesson) {
			k.Finished = append(k.Finished, lesson)
		}
	})
}

// Finished reports whether the learner has come to the end of a lesson.
func (p *Progress) Finished(lesson string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.kept.Finished, lesson)
}

// Predicted notes the choice that the learner made in a prediction.
func (p *Progress) Predicted(lesson, name, choice string) error {
	return p.change(func(k *kept) {
		if k.Predictions == nil {
			k.Predictions = make(map[string]prediction)
		}
		k.Predictions[lesson+"/"+name] = prediction{Choice: choice}
	})
}

// Choice returns the choice that the learner made in a prediction, or "" if they made
// none.
func (p *Progress) Choice(lesson, name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept.Predictions[lesson+"/"+name].Choice
}

// Theme returns the name of the theme that the learner chose last, or "".
func (p *Progress) Theme() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept.Theme
}

// SetTheme notes the theme that the learner has chosen.
func (p *Progress) SetTheme(name string) error {
	return p.change(func(k *kept) { k.Theme = name })
}

// answered notes what the kernel said to a prediction of the learner's.
func (p *Progress) answered(lesson, name, answer string) error {
	return p.change(func(k *kept) { k.told(lesson+"/"+name, func(p *prediction) { p.Answer = answer }) })
}

// recalled notes what the learner said to a prediction when they were asked again.
func (p *Progress) recalled(lesson, name, choice string) error {
	return p.change(func(k *kept) { k.told(lesson+"/"+name, func(p *prediction) { p.Recalled = choice }) })
}

// told changes a prediction that the learner has made, and makes it the last one that was
// told of.
func (k *kept) told(key string, change func(*prediction)) {
	told, ok := k.Predictions[key]
	if !ok {
		return
	}
	for _, p := range k.Predictions {
		told.When = max(told.When, p.When+1)
	}
	change(&told)
	k.Predictions[key] = told
}

// toRecall returns the predictions that have an answer, by "lesson/name", in the order in
// which to ask for them again: those that the learner does not know, the last one first,
// and then the others, the oldest first.
func (p *Progress) toRecall() (keys []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, made := range p.kept.Predictions {
		if made.Answer != "" {
			keys = append(keys, key)
		}
	}
	place := func(key string) int { // below 0 for what is not known
		made := p.kept.Predictions[key]
		if made.known() {
			return made.When
		}
		return -made.When
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(place(a)-place(b), strings.Compare(a, b)) })
	return keys
}

// answer returns what the kernel said to a prediction.
func (p *Progress) answer(key string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept.Predictions[key].Answer
}

// observed notes what the learner has read off the screen after an experiment.
func (p *Progress) observed(lesson, name string, r reading) error {
	return p.change(func(k *kept) {
		if k.Readings == nil {
			k.Readings = make(map[string]reading)
		}
		k.Readings[lesson+"/"+name] = r
	})
}

// reading returns what the learner has read after an experiment. It is empty if they
// have said nothing.
func (p *Progress) reading(lesson, name string) reading {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept.Readings[lesson+"/"+name]
}

// draw returns a seed that no other learner need have.
func draw() uint32 { return 1 + rand.Uint32N(math.MaxUint32) }

// Drawn returns the choices of a prediction in the order of this learner: each time the
// same, and for another learner another. The zero Progress has the order of the words.
// A choice stands where the hash of its name and of the seed puts it, so one that is
// added to the words later leaves the others in their order.
func (p *Progress) Drawn(predict lab.Part) []words.Item {
	p.mu.Lock()
	seed := p.seed
	p.mu.Unlock()
	if seed == 0 {
		return predict.Choices
	}
	place := func(c words.Item) []byte {
		sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s/%s/%s", seed, predict.Lesson, predict.Name, c.Name))
		return sum[:]
	}
	drawn := slices.Clone(predict.Choices)
	slices.SortFunc(drawn, func(a, b words.Item) int { return bytes.Compare(place(a), place(b)) })
	return drawn
}

// Apart returns the same progress for a demonstration: its changes are not kept.
func (p *Progress) Apart() *Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.kept
	k.Finished, k.Predictions, k.Readings = slices.Clone(k.Finished), maps.Clone(k.Predictions), maps.Clone(k.Readings)
	return &Progress{kept: k, seed: p.seed}
}

// Restart forgets all but the theme, which is no progress. The order of the choices is
// drawn anew.
func (p *Progress) Restart() error {
	p.mu.Lock()
	p.seed = draw()
	p.mu.Unlock()
	return p.change(func(k *kept) { *k = kept{Theme: k.Theme} })
}

// change changes what is kept, and writes it. Another tour may have written meanwhile:
// the change is made to what the file says now.
func (p *Progress) change(do func(*kept)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.path == "" || p.failed {
		do(&p.kept)
		return nil
	}
	err := p.write(do)
	if err != nil {
		do(&p.kept)
		p.failed = true
		return fmt.Errorf("the place in the tour is not kept: %w", err)
	}
	return nil
}

// write puts a new file in the place of the old one, so that there is a whole one
// at any moment.
func (p *Progress) write(do func(*kept)) error {
	folder := filepath.Dir(p.path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	unlock, err := lockFolder(folder)
	if err != nil {
		return err
	}
	defer unlock()
	now := p.kept
	switch text, err := readRegular(p.path); {
	case errors.Is(err, fs.ErrNotExist):
		now = kept{}
	case err == nil:
		if read, ok := parseKept(text); ok {
			now = read
		}
	}
	do(&now)
	now.Version = progressVersion
	if now.Seed == 0 {
		now.Seed = p.seed
	}
	text, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	f, err := outfile.Create(p.path, 0o600, true)
	if err != nil {
		return err
	}
	if _, err := f.Write(append(text, '\n')); err != nil {
		return errors.Join(err, f.Discard())
	}
	if err := f.Commit(); err != nil {
		return err
	}
	p.kept = now
	return nil
}

func parseKept(text []byte) (k kept, ok bool) {
	err := json.Unmarshal(text, &k)
	return k, err == nil && k.Version == progressVersion && k.Part >= 0
}

// lockPatience is longer than any fd3 holds the lock.
const lockPatience = 2 * time.Second

// lockFolder keeps other programs of fd3's out: flock(2). The lock ends with the
// process at the latest.
func lockFolder(folder string) (unlock func(), err error) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, err
	}
	for late := time.Now().Add(lockPatience); ; time.Sleep(5 * time.Millisecond) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { f.Close() }, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EWOULDBLOCK) && time.Now().Before(late):
			continue
		}
		return nil, errors.Join(fmt.Errorf("flock %s: %w", folder, err), f.Close())
	}
}

// sweepAfter is how old a file is that nobody writes any more.
const sweepAfter = time.Minute

// sweep removes the files that an fd3 which was killed has left beside this one.
func sweep(path string) {
	all, _ := os.ReadDir(filepath.Dir(path))
	for _, left := range all {
		number, ok := strings.CutPrefix(left.Name(), filepath.Base(path)+".")
		if _, err := strconv.ParseUint(number, 10, 64); err != nil || !ok {
			continue
		}
		info, err := left.Info()
		if err != nil || !info.Mode().IsRegular() || time.Since(info.ModTime()) < sweepAfter {
			continue
		}
		if int(info.Sys().(*syscall.Stat_t).Uid) == os.Geteuid() {
			os.Remove(filepath.Join(filepath.Dir(path), left.Name()))
		}
	}
}
