package seen

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

const (
	fileEnd    = ".seen"
	unfinished = ".tmp"
)

// folder is where files lie; with dir "" they are images in memory.
type folder struct {
	dir    string
	origin string
	bad    *suspects
}

// suspects are files in which damage was found while they were read. No state that names one is
// taken up, so that a fold does not begin again and again where it cannot go on; a file written
// anew is good again.
type suspects struct {
	mu    sync.Mutex
	names map[string]bool
}

func (s *suspects) note(name string, bad bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bad {
		s.names[name] = true
	} else {
		delete(s.names, name)
	}
}

func (s *suspects) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.names[name]
}

// open makes the folder and clears it of files that were never finished.
func (f folder) open() error {
	if f.dir == "" {
		return nil
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	return f.remove(func(name string) bool { return strings.HasSuffix(name, fileEnd+unfinished) })
}

// remove deletes the files whose names are chosen.
func (f folder) remove(chosen func(name string) bool) error {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && chosen(e.Name()) {
			if err := os.Remove(filepath.Join(f.dir, e.Name())); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
	}
	return nil
}

// write makes a file of what fill writes: it is there whole, by its name and on disk, or not at
// all. fill may find that there is nothing to write, and returns nil.
func (f folder) write(fill func(target) (*run, error)) (*run, error) {
	if f.dir == "" {
		var m image
		r, err := fill(&m)
		if r != nil {
			r.image, r.src = m.data, bytes.NewReader(m.data)
		}
		return r, err
	}
	tmp, err := os.CreateTemp(f.dir, "*"+fileEnd+unfinished)
	if err != nil {
		return nil, err
	}
	r, err := fill(&steady{File: tmp})
	if err == nil && r != nil {
		err = tmp.Sync()
	}
	if err == nil && r != nil {
		err = os.Rename(tmp.Name(), filepath.Join(f.dir, r.name()))
	}
	if err == nil && r != nil {
		err = syncDir(f.dir)
	}
	if err != nil || r == nil {
		tmp.Close()
		os.Remove(tmp.Name())
		return nil, err
	}
	r.src, r.file = tmp, tmp
	f.adopt(r)
	return r, nil
}

// steady is a file that goes to the disk as it grows: a merge of hundreds of megabytes synced at
// once would hold up the log's own syncs on the same disk.
type steady struct {
	*os.File
	waiting int
}

const syncEvery = 8 << 20

func (s *steady) Write(b []byte) (int, error) {
	n, err := s.File.Write(b)
	if s.waiting += n; err == nil && s.waiting >= syncEvery {
		s.waiting = 0
		err = s.File.Sync()
	}
	return n, err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// adopt makes damage that is found in the run known; it was whole a moment ago.
func (f folder) adopt(r *run) {
	name := r.name()
	f.bad.note(name, false)
	r.damaged = func() { f.bad.note(name, true) }
}

// read opens a file a state names and compares it with what the state says of it.
func (f folder) read(want head) (*run, error) {
	name := want.name()
	if f.bad.has(name) {
		return nil, fmt.Errorf("%w: %s was found damaged", ErrFile, name)
	}
	file, err := os.Open(filepath.Join(f.dir, name))
	if os.IsNotExist(err) && f.origin != "" {
		file, err = os.Open(filepath.Join(f.origin, name))
	}
	switch {
	case os.IsNotExist(err):
		return nil, fmt.Errorf("%w: %s is not in %s", ErrFile, name, f.dir)
	case err != nil:
		return nil, err
	}
	r, err := openFile(file)
	if err == nil && (r.kind != want.kind || r.first != want.first || r.last != want.last || r.sum != want.sum) {
		err = fmt.Errorf("it is another file than its name says")
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrFile, name, err)
	}
	f.adopt(r)
	return r, nil
}

func openFile(file *os.File) (*run, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() != 0 {
		return nil, &fs.PathError{Op: "read", Path: file.Name(), Err: fs.ErrInvalid}
	}
	r, err := openRun(file, info.Size())
	if r != nil {
		r.file = file
	}
	return r, err
}

// image is a file in memory.
type image struct{ data []byte }

func (m *image) Write(b []byte) (int, error) {
	m.data = append(m.data, b...)
	return len(b), nil
}

func (m *image) WriteAt(b []byte, at int64) (int, error) {
	return copy(m.data[at:], b), nil
}
