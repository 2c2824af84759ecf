package rank

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/stream"
)

const (
	// KeepSnapshots is how many snapshots are kept: should the newest be damaged there are others, and a page
	// can be recomputed as long as one from before it is there.
	KeepSnapshots = 3

	snapshotMagic = "MEZZORNK" // then: length of the head (uvarint), head, its CRC-32C (4), state
	snapshotExt   = ".rank"
	snapshotTemp  = ".new-*"
	mostTitle     = 1 << 20
)

// Snapshot is what a kept state says of itself.
type Snapshot struct {
	Version  int             `json:"version"` // of the fold's state
	Build    string          `json:"build"`
	Arch     string          `json:"arch"`
	Position stream.Position `json:"position"` // everything before it is in the state, nothing after it
	Stamp    time.Time       `json:"stamp"`    // log time at that position
	Since    time.Time       `json:"since"`    // log time from which it knows everything; zero: from the beginning
	Files    []string        `json:"files,omitempty"`

	name string
}

// errSnapshot says that a file is not a whole snapshot.
var errSnapshot = errors.New("rank: the snapshot is damaged")

// shelf is the folder in which snapshots are kept, oldest first by name.
type shelf struct{ dir string }

// list returns the names of what may be snapshots, oldest first.
func (s shelf) list() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("rank: the folder of snapshots cannot be read: %w", err)
	}
	var names []string
	for _, e := range entries {
		if _, err := numberOf(e.Name()); err == nil {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// clean makes the folder and removes what a crash left half written. Nobody else may be writing.
func (s shelf) clean() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("rank: the folder of snapshots cannot be made: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(s.dir, snapshotTemp))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

func numberOf(name string) (uint64, error) {
	number, ok := strings.CutSuffix(name, snapshotExt)
	if !ok {
		return 0, errSnapshot
	}
	return strconv.ParseUint(number, 10, 64)
}

// write keeps a snapshot under the next number: whole and on disk when it returns, or not there at all.
func (s shelf) write(head Snapshot, state func(io.Writer) (uint64, error)) (_ Snapshot, err error) {
	file, err := os.CreateTemp(s.dir, snapshotTemp)
	if err != nil {
		_, _ = state(io.Discard) // the fold must be rid of the cut
		return head, fmt.Errorf("rank: a snapshot cannot be written: %w", err)
	}
	defer os.Remove(file.Name()) // gone already when all went well
	if err := errors.Join(encodeSnapshot(file, head, state), file.Sync(), file.Close()); err != nil {
		return head, fmt.Errorf("rank: a snapshot cannot be written: %w", err)
	}
	names, err := s.list()
	if err != nil {
		return head, err
	}
	next := uint64(1)
	if len(names) > 0 {
		last, _ := numberOf(names[len(names)-1])
		next = last + 1
	}
	head.name = fmt.Sprintf("%020d%s", next, snapshotExt)
	if err := os.Rename(file.Name(), filepath.Join(s.dir, head.name)); err != nil {
		return head, fmt.Errorf("rank: a snapshot cannot be kept: %w", err)
	}
	return head, s.sync()
}

func (s shelf) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func encodeSnapshot(file io.Writer, head Snapshot, state func(io.Writer) (uint64, error)) error {
	text, err := json.Marshal(head)
	w := bufio.NewWriterSize(file, 1<<20)
	if err == nil {
		title := binary.AppendUvarint([]byte(snapshotMagic), uint64(len(text)))
		_, err = w.Write(binary.LittleEndian.AppendUint32(append(title, text...), crc32.Checksum(text, castagnoli())))
	}
	_, failed := state(w) // whatever went wrong: the fold must be rid of the cut
	return errors.Join(err, failed, w.Flush())
}

// open returns what a snapshot says of itself and its state, unread. The caller closes the file.
func (s shelf) open(name string) (Snapshot, io.Reader, io.Closer, error) {
	head := Snapshot{}
	file, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return head, nil, nil, err
	}
	in := bufio.NewReaderSize(file, 1<<20)
	if err := readTitle(in, &head); err != nil {
		return head, nil, nil, errors.Join(err, file.Close())
	}
	head.name = name
	return head, in, file, nil
}

func readTitle(in *bufio.Reader, head *Snapshot) error {
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(in, magic); err != nil || string(magic) != snapshotMagic {
		return fmt.Errorf("%w: it does not begin as one", errSnapshot)
	}
	text, err := readBytes(in, mostTitle)
	if err != nil {
		return fmt.Errorf("%w: its head ends early", errSnapshot)
	}
	var sum [4]byte
	if _, err := io.ReadFull(in, sum[:]); err != nil || binary.LittleEndian.Uint32(sum[:]) != crc32.Checksum(text, castagnoli()) {
		return fmt.Errorf("%w: the checksum of its head is wrong", errSnapshot)
	}
	if err := json.Unmarshal(text, head); err != nil {
		return fmt.Errorf("%w: %w", errSnapshot, err)
	}
	return nil
}

// head returns what a snapshot says of itself.
func (s shelf) head(name string) (Snapshot, error) {
	head, _, file, err := s.open(name)
	if err != nil {
		return head, err
	}
	return head, file.Close()
}

// restore brings a fold to a snapshot.
func (s shelf) restore(name string, f *Fold) (Snapshot, error) {
	head, state, file, err := s.open(name)
	if err != nil {
		return head, err
	}
	return head, errors.Join(f.RestoreFrom(state), file.Close())
}

// usable says why this program cannot go on from a snapshot, nil when it can.
func usable(head Snapshot) error {
	switch {
	case head.Version != StateVersion:
		return fmt.Errorf("it is of version %d and this program keeps version %d: the ranking is learned again from the records", head.Version, StateVersion)
	case head.Arch != runtime.GOARCH:
		return fmt.Errorf("it was made on %s and this is %s: the ranking is learned again from the records", head.Arch, runtime.GOARCH)
	}
	return nil
}

// ErrNoSnapshot says that no snapshot is kept from before a position.
var ErrNoSnapshot = errors.New("rank: no snapshot of this build from before that position is kept any more")

// OpenBefore returns a fold of its own, restored from the newest whole snapshot in a keeper's folder that lies
// at or before a position, to be brought forward from the log: what a page was made of can so be made again.
// o.Seen is opened with Origin being the keeper's folder of what was counted, so that nothing there is touched.
func OpenBefore(dir string, at stream.Position, o Options) (*Fold, Snapshot, error) {
	s := shelf{dir}
	names, err := s.list()
	if err != nil {
		return nil, Snapshot{}, err
	}
	f, err := New(o)
	if err != nil {
		return nil, Snapshot{}, err
	}
	for _, name := range slices.Backward(names) {
		head, err := s.head(name)
		if err != nil || usable(head) != nil || at.Before(head.Position) {
			continue
		}
		if _, err := s.restore(name, f); err == nil {
			return f, head, nil
		}
	}
	return nil, Snapshot{}, ErrNoSnapshot
}
