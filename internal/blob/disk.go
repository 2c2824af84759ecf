package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"mezzo/internal/fault"
)

const (
	tempDir   = "tmp"     // blobs in the making
	uploadDir = "uploads" // uploads in progress; the media room looks after them
	dirMode   = 0o700
	fileMode  = 0o600

	retryAfter = 30 * time.Second
)

// Disk is a Store in one folder: ab/cd/abcd….ext. A blob appears under its name whole and
// synced, or not at all.
type Disk struct {
	dir  string
	root *os.Root // refuses every path that would leave the folder, by symlink too
	lock *os.File
}

var _ Store = (*Disk)(nil)

// OpenDisk opens the folder, making it when it is not there, and removes what puts that were cut
// short left behind, unless another process has it open.
func OpenDisk(dir string) (*Disk, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	for _, d := range []string{tempDir, uploadDir} {
		if err := os.MkdirAll(filepath.Join(dir, d), dirMode); err != nil {
			return nil, fmt.Errorf("blob: the folder of files cannot be made: %w", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("blob: the folder of files cannot be opened: %w", err)
	}
	d := &Disk{dir: dir, root: root}
	if err := d.cleanUp(); err != nil {
		d.Close()
		return nil, fmt.Errorf("blob: the folder of files cannot be written: %w", err)
	}
	return d, nil
}

// cleanUp removes temporary files when no other process can be writing them.
func (d *Disk) cleanUp() error {
	lock, err := d.root.OpenFile("lock", os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return err
	}
	d.lock = lock
	if lockAlone(lock) {
		left, err := fs.ReadDir(d.root.FS(), tempDir)
		if err != nil {
			return err
		}
		for _, e := range left {
			if err := d.root.RemoveAll(filepath.Join(tempDir, e.Name())); err != nil {
				return err
			}
		}
	}
	return lockShared(lock)
}

// Close lets go of the folder. Open files stay readable.
func (d *Disk) Close() error {
	if d.lock != nil {
		d.lock.Close()
	}
	return d.root.Close()
}

// Uploads returns the folder for uploads in progress. It lies on the same file system as the
// blobs, so Import moves a file from there without copying it.
func (d *Disk) Uploads() string { return filepath.Join(d.dir, uploadDir) }

// Path returns where a blob lies, for programs that read files (ffmpeg). It does not look
// whether it is there. The error is fault.Missing.
func (d *Disk) Path(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	return filepath.Join(d.dir, place(name)), nil
}

// place returns the path of a valid name inside the folder.
func place(name string) string { return filepath.Join(name[:2], name[2:4], name) }

// Open implements Store.
func (d *Disk) Open(_ context.Context, name string) (File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := d.root.Open(place(name))
	if err != nil {
		return nil, broken(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, broken(err)
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, missing()
	}
	return &diskFile{File: f, info: infoOf(info)}, nil
}

// Stat implements Store.
func (d *Disk) Stat(_ context.Context, name string) (Info, error) {
	if err := checkName(name); err != nil {
		return Info{}, err
	}
	info, err := d.root.Lstat(place(name))
	if err != nil {
		return Info{}, broken(err)
	}
	if !info.Mode().IsRegular() {
		return Info{}, missing()
	}
	return infoOf(info), nil
}

// Delete implements Store.
func (d *Disk) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := d.root.Remove(place(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return broken(err)
	}
	return d.syncDir(filepath.Dir(place(name)))
}

// Each implements Store. Files that do not carry a blob's name are passed over.
func (d *Disk) Each(ctx context.Context, fn func(Info) error) error {
	return fs.WalkDir(d.root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		} else if err != nil {
			return broken(err)
		}
		if e.IsDir() && (path == tempDir || path == uploadDir) {
			return fs.SkipDir
		}
		if !e.Type().IsRegular() || !Valid(e.Name()) || filepath.FromSlash(path) != place(e.Name()) {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return broken(err)
		}
		return fn(infoOf(info))
	})
}

// syncDir makes the entries of a folder durable.
func (d *Disk) syncDir(path string) error {
	f, err := d.root.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return broken(err)
	}
	defer f.Close()
	return broken(f.Sync())
}

func infoOf(info fs.FileInfo) Info {
	return Info{Name: info.Name(), Size: info.Size(), Modified: info.ModTime().UTC()}
}

// broken turns an error of the file system into what callers are told; nil stays nil.
func broken(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return missing()
	case errors.Is(err, syscall.ENOSPC):
		return fault.Wrap(fault.Unavailable, err,
			"There is no room left for files. Try again once the operator has made some.").After(retryAfter)
	}
	return fmt.Errorf("blob: %w", err)
}

// diskFile is an open blob. It hides the writing side of os.File.
type diskFile struct {
	*os.File
	info Info
}

func (f *diskFile) Info() Info         { return f.info }
func (f *diskFile) Size() int64        { return f.info.Size }
func (f *diskFile) ModTime() time.Time { return f.info.Modified }
func (f *diskFile) ETag() string       { return f.info.ETag() }

var _ io.ReadSeekCloser = (*diskFile)(nil)
