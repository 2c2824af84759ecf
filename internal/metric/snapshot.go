package metric

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/stream"
)

const (
	// SnapshotVersion is the version of the fold's state. It grows when an older program would misread
	// what this one keeps, or the same log would fold to other numbers.
	SnapshotVersion = stateVersion

	// KeepSnapshots is how many whole snapshots are kept: should the newest be damaged, there is another.
	KeepSnapshots = 2

	snapshotMagic = "MEZZOFLD" // then: length of the head (4 bytes), head, state, length of the state (8), its checksum (8), CRC-32C (4)
	snapshotTail  = 8 + 8 + 4
	snapshotExt   = ".snap"
	snapshotTemp  = ".new-*"
	maxHead       = 1 << 20
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
	sum  uint64 // the state's checksum, which is known once all of it is written
}

// errSnapshot says that a file is not a whole snapshot.
var errSnapshot = errors.New("metric: the snapshot is damaged")

// shelf is the folder in which snapshots are kept, oldest first by name.
type shelf struct{ dir string }

// list returns the names of what may be snapshots, oldest first.
func (s shelf) list() ([]string, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fmt.Errorf("metric: the folder of snapshots cannot be made: %w", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("metric: the folder of snapshots cannot be read: %w", err)
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

// clean removes what a crash left half written. Nobody else may be writing.
func (s shelf) clean() error {
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

// write keeps a snapshot under the next number: whole and on disk when it returns, or not there at all. Before
// each step that a crash could fall on, step is told its name.
func (s shelf) write(head Snapshot, state func(io.Writer) (uint64, error), step func(string)) (Snapshot, error) {
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
	file, err := os.CreateTemp(s.dir, snapshotTemp)
	if err != nil {
		return head, fmt.Errorf("metric: a snapshot cannot be written: %w", err)
	}
	defer os.Remove(file.Name()) // gone already when all went well
	step("snapshot begun")
	err = encodeSnapshot(file, head, state)
	step("snapshot written")
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return head, fmt.Errorf("metric: a snapshot cannot be written: %w", err)
	}
	step("snapshot synced")
	if err := os.Rename(file.Name(), filepath.Join(s.dir, head.name)); err != nil {
		return head, fmt.Errorf("metric: a snapshot cannot be kept: %w", err)
	}
	step("snapshot renamed")
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

// prune lets go of the snapshots older than the named one, damaged ones among them.
func (s shelf) prune(oldest string) error {
	names, err := s.list()
	for _, name := range names {
		if name < oldest {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, name)))
		}
	}
	return err
}

// summed counts and sums what is written through it.
type summed struct {
	to  io.Writer
	sum hash.Hash32
	n   int64
}

func (w *summed) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.sum.Write(p[:n])
	w.n += int64(n)
	return n, err
}

func castagnoli() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

func encodeSnapshot(file io.Writer, head Snapshot, state func(io.Writer) (uint64, error)) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	buffer := bufio.NewWriterSize(file, 1<<20)
	w := &summed{to: buffer, sum: castagnoli()}
	opening := binary.LittleEndian.AppendUint32([]byte(snapshotMagic), uint32(len(text)))
	if _, err := w.Write(append(opening, text...)); err != nil {
		return err
	}
	before := w.n
	sum, err := state(w)
	if err != nil {
		return err
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(w.n-before)), sum)); err != nil {
		return err
	}
	if _, err := buffer.Write(binary.LittleEndian.AppendUint32(nil, w.sum.Sum32())); err != nil {
		return err
	}
	return buffer.Flush()
}

// read returns a snapshot and its state; the error says what is wrong with the file.
func (s shelf) read(name string) (Snapshot, []byte, error) {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return Snapshot{}, nil, err
	}
	head, rest, err := decodeHead(data)
	head.name = name
	if err != nil {
		return head, nil, err
	}
	if len(rest) < snapshotTail {
		return head, nil, fmt.Errorf("%w: it ends early", errSnapshot)
	}
	state, tail := rest[:len(rest)-snapshotTail], rest[len(rest)-snapshotTail:]
	if n := binary.LittleEndian.Uint64(tail); n != uint64(len(state)) {
		return head, nil, fmt.Errorf("%w: its state has %d bytes, %d were written", errSnapshot, len(state), n)
	}
	sum := castagnoli()
	sum.Write(data[:len(data)-4])
	if sum.Sum32() != binary.LittleEndian.Uint32(tail[16:]) {
		return head, nil, fmt.Errorf("%w: its checksum is wrong", errSnapshot)
	}
	head.sum = binary.LittleEndian.Uint64(tail[8:])
	return head, state, nil
}

func decodeHead(data []byte) (head Snapshot, rest []byte, err error) {
	if len(data) < len(snapshotMagic)+4 || string(data[:len(snapshotMagic)]) != snapshotMagic {
		return head, nil, fmt.Errorf("%w: it does not begin as one", errSnapshot)
	}
	data = data[len(snapshotMagic):]
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; n > maxHead || int(n) > len(data) {
		return head, nil, fmt.Errorf("%w: its head ends early", errSnapshot)
	}
	if err := json.Unmarshal(data[:n], &head); err != nil {
		return head, nil, fmt.Errorf("%w: %w", errSnapshot, err)
	}
	return head, data[n:], nil
}

// Forget removes the files of what was seen that neither the fold nor a kept snapshot needs: those name the files.
func (f *Fold) Forget(files []string) error { return f.seen.Keep(files) }
