package main

import (
	"encoding/json"

	"fd3/lesson/outfile"
	narrator "fd3/lesson/path"
	"fd3/sockets/path"
)

// A wayFile is where --record writes the way of a call. A nil one takes nothing.
type wayFile struct {
	*outfile.File
	name string
}

// create makes the file of --record, before the call is made; nil: none was asked for.
func (p *pathFlags) create() (*wayFile, error) {
	if p.record == "" {
		return nil, nil
	}
	file, err := createFile(p.record, p.force)
	if err != nil {
		return nil, err
	}
	return &wayFile{file, p.record}, nil
}

// save writes the way of a call, if any of it was seen, and tells of that.
func (f *wayFile) save(way path.Path, tell *narrator.Narrator) error {
	if f == nil || len(way.Visits) == 0 {
		return nil
	}
	text := json.NewEncoder(f)
	text.SetIndent("", " ")
	if err := text.Encode(way); err != nil {
		return thereAlready(f.name, err)
	}
	if err := f.Commit(); err != nil {
		return thereAlready(f.name, err)
	}
	tell.Saved(f.name)
	return nil
}

// discard leaves nothing of a file that was not saved.
func (f *wayFile) discard() {
	if f != nil {
		f.Discard()
	}
}
