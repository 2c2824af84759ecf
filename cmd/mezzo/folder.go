package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folderFormat is the version of what a data folder holds. It grows when an older program would
// misread what this one writes; the program that raises it also moves older folders up.
const folderFormat = 1

// Names in the data folder.
const (
	lockName    = "lock"
	formatName  = "version"
	clockName   = "clock"
	nodeName    = "node"
	streamName  = "stream"
	blobsName   = "media"
	uploadsName = "uploads"    // files on their way in, and what is made of them
	lastResort  = "lost+found" // of a disk mounted there
	folderMode  = 0o700
	fileMode    = 0o600
	formatSaid  = "mezzo data folder, format "
	tempPattern = ".new-*"
)

// folder is a data folder that belongs to this process until it is closed.
type folder struct {
	path string
	lock *os.File
}

// openFolder makes the data folder where it is not there and takes it for this process. It refuses
// one that another process holds, that a newer program wrote, or that is not Mezzo's.
func openFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, folderMode); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w; name one that can with --data", err)
	}
	if err := refuseForeign(path); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("the data folder cannot be written: %w", err)
	}
	f := &folder{path: path, lock: lock}
	if err := f.take(); err != nil {
		lock.Close()
		return nil, err
	}
	return f, nil
}

// take locks the folder, leaves our process number in the lock for whoever comes next, and settles
// the format. The kernel lets go of the lock however this process ends.
func (f *folder) take() error {
	if err := lockFile(f.lock); err != nil {
		held, _ := os.ReadFile(f.lock.Name())
		by := "another process"
		if pid := strings.TrimSpace(string(held)); pid != "" {
			by = "process " + pid
		}
		return fmt.Errorf("the data folder %s is in use by %s: stop that mezzo first, or give this one a folder of its own with --data", f.path, by)
	}
	if err := f.settleFormat(); err != nil {
		return err
	}
	if err := f.lock.Truncate(0); err != nil {
		return err
	}
	_, err := f.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// needShop refuses to look into a folder in which no shop was begun, and makes none: a mistyped --data is
// no proof that everything holds. With a database elsewhere the folder may be new.
func needShop(f storeFlags) error {
	if f.Database != "" {
		return nil
	}
	_, err := os.Stat(filepath.Join(f.Data, formatName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no shop in the folder %s: name with --data the one that `mezzo serve` was given", f.Data)
	}
	return err
}

// refuseForeign keeps a mistyped --data from filling a folder that holds something else.
func refuseForeign(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("the data folder cannot be read: %w", err)
	}
	foreign := ""
	for _, e := range entries {
		switch name := e.Name(); {
		case name == formatName:
			return nil
		case name == lockName || name == lastResort || strings.HasPrefix(name, "."):
		default:
			foreign = name
		}
	}
	if foreign != "" {
		return fmt.Errorf("the folder %s holds files that are not Mezzo's (%s, for one): name an empty folder, or one Mezzo made, with --data", path, foreign)
	}
	return nil
}

// settleFormat writes the format of a new folder and refuses one from a newer program.
func (f *folder) settleFormat() error {
	text, err := os.ReadFile(f.file(formatName))
	if errors.Is(err, fs.ErrNotExist) {
		return f.write(formatName, formatSaid+strconv.Itoa(folderFormat)+"\n")
	}
	if err != nil {
		return fmt.Errorf("the data folder's version cannot be read: %w", err)
	}
	said, ok := strings.CutPrefix(strings.TrimSpace(string(text)), formatSaid)
	number, err := strconv.Atoi(said)
	if !ok || err != nil || number < 1 {
		return fmt.Errorf("%s does not say which version wrote it: restore that file, or the folder, from a backup", f.file(formatName))
	}
	if number > folderFormat {
		return fmt.Errorf("the data folder %s was written by a newer mezzo (format %d, and this program, %s, knows up to %d): start the newer program, or restore the backup made before the upgrade", f.path, number, version, folderFormat)
	}
	return nil
}

// node returns the name under which this folder's process holds leases. It is kept, so that a
// process begun again after a crash need not wait for its own leases to run out: the lock on the
// folder says that no other process has the name.
func (f *folder) node() (string, error) {
	text, err := os.ReadFile(f.file(nodeName))
	if name := strings.TrimSpace(string(text)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the name of this node cannot be read: %w", err)
	}
	name := rand.Text()
	return name, f.write(nodeName, name+"\n")
}

// file returns the path of a name in the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// write replaces a small file so that a crash leaves the old or the new one, whole and on disk.
func (f *folder) write(name, text string) error {
	file, err := os.CreateTemp(f.path, tempPattern)
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(file.Name(), f.file(name)); err != nil {
		return err
	}
	dir, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// Close lets the next process have the folder.
func (f *folder) Close() error {
	return errors.Join(f.lock.Truncate(0), f.lock.Close())
}
