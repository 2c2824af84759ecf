package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// copyBuffer is how much is read at once; between two reads the context is looked at.
const copyBuffer = 256 << 10

// Put implements Store.
func (d *Disk) Put(ctx context.Context, r io.Reader, ext string) (string, int64, error) {
	w, err := d.Create(ctx, ext, 0)
	if err != nil {
		return "", 0, err
	}
	defer w.Close()
	if err := copyTo(ctx, w, r); err != nil {
		return "", 0, err
	}
	return w.Commit()
}

// copyTo copies until r ends. Errors of w and r are returned as they are.
func copyTo(ctx context.Context, w io.Writer, r io.Reader) error {
	buf := make([]byte, copyBuffer)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// Create implements Store.
func (d *Disk) Create(ctx context.Context, ext string, max int64) (Writer, error) {
	if err := checkExt(ext); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	temp := filepath.Join(tempDir, rand.Text())
	f, err := d.root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return nil, broken(err)
	}
	return &diskWriter{d: d, ctx: ctx, f: f, temp: temp, ext: ext, max: max, hash: sha256.New()}, nil
}

// diskWriter writes a temporary file and hashes on the way.
type diskWriter struct {
	d         *Disk
	ctx       context.Context
	f         *os.File
	temp, ext string
	max, size int64
	hash      hash.Hash
	done      bool
	failed    error
}

var errDone = errors.New("blob: this writer is committed or closed")

// Write adds to the content. After an error nothing can be committed.
func (w *diskWriter) Write(p []byte) (int, error) {
	switch {
	case w.done:
		return 0, errDone
	case w.failed != nil:
		return 0, w.failed
	case w.max > 0 && w.size+int64(len(p)) > w.max:
		w.failed = tooLarge(w.max)
		return 0, w.failed
	}
	if w.failed = w.ctx.Err(); w.failed != nil {
		return 0, w.failed
	}
	n, err := w.f.Write(p)
	w.hash.Write(p[:n])
	w.size += int64(n)
	w.failed = broken(err)
	return n, w.failed
}

// Commit implements Writer.
func (w *diskWriter) Commit() (string, int64, error) {
	if w.done {
		return "", 0, errDone
	}
	if w.failed == nil {
		w.failed = w.ctx.Err()
	}
	if w.failed != nil {
		return "", 0, w.failed
	}
	if err := w.f.Sync(); err != nil {
		w.failed = broken(err)
		return "", 0, w.failed
	}
	name := nameOf(w.hash.Sum(nil), w.ext)
	err := w.d.settle(name, func(to string) error { return w.d.root.Rename(w.temp, to) })
	if err != nil {
		w.failed = err
		return "", 0, err
	}
	w.done = true
	w.f.Close()
	return name, w.size, nil
}

// Close implements Writer.
func (w *diskWriter) Close() error {
	if w.done {
		return nil
	}
	w.done = true
	w.f.Close()
	return broken(w.d.root.Remove(w.temp))
}

// settle makes the folders of a name, moves a synced file there and makes that durable. A blob of
// the same name is replaced by its equal.
func (d *Disk) settle(name string, move func(to string) error) error {
	path := place(name)
	outer, inner := name[:2], filepath.Dir(path)
	if err := d.root.MkdirAll(inner, dirMode); err != nil {
		return broken(err)
	}
	if err := move(path); err != nil {
		return broken(err)
	}
	for _, dir := range []string{inner, outer, "."} {
		if err := d.syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// Import takes a finished file from the server's own disk as a blob and returns its name and size
// in bytes. The file must not be written to any more and is gone afterwards: it is hashed and
// moved, or copied when it lies on another file system. The path never comes from a client.
func (d *Disk) Import(ctx context.Context, path, ext string) (string, int64, error) {
	if err := checkExt(ext); err != nil {
		return "", 0, err
	}
	if info, err := os.Lstat(path); err != nil {
		return "", 0, broken(err)
	} else if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("blob: %s is not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", 0, broken(err)
	}
	defer f.Close()
	sum := sha256.New()
	if err := copyTo(ctx, sum, f); err != nil {
		return "", 0, err
	}
	if err := f.Sync(); err != nil {
		return "", 0, broken(err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return "", 0, broken(err)
	}
	name := nameOf(sum.Sum(nil), ext)
	err = d.settle(name, func(to string) error { return os.Rename(path, filepath.Join(d.dir, to)) })
	if errors.Is(err, syscall.EXDEV) {
		return d.importCopy(ctx, f, path, ext)
	}
	if err != nil {
		return "", 0, err
	}
	return name, size, nil
}

func (d *Disk) importCopy(ctx context.Context, f *os.File, path, ext string) (string, int64, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", 0, broken(err)
	}
	name, size, err := d.Put(ctx, f, ext)
	if err != nil {
		return "", 0, err
	}
	return name, size, broken(os.Remove(path))
}
