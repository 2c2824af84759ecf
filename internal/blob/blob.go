// Package blob owns bytes by name: media, exports, snapshots and cold files, each named by the hash
// of its content, on disk or in an object store.
package blob

import (
	"context"
	"io"
	"time"

	"mezzo/internal/fault"
)

// Store keeps immutable blobs. A name is the SHA-256 of the content in lower-case hex, a dot and
// an extension of the allow list; equal content with an equal extension is kept once. Who may see
// a blob is decided where its name is kept, and so is when nothing refers to it any more.
//
// A name that is malformed or unknown is fault.Missing; an extension that is not on the list
// is fault.Invalid; a store without room is fault.Unavailable.
type Store interface {
	// Put stores what r holds and returns its name and size in bytes once it is durable. An error
	// of r is returned as it is and nothing is stored; bound r with Limit.
	Put(ctx context.Context, r io.Reader, ext string) (name string, size int64, err error)
	// Create returns a writer for content that comes piece by piece. Past max bytes (0: no bound)
	// its Write returns fault.TooLarge.
	Create(ctx context.Context, ext string, max int64) (Writer, error)
	// Open returns the content; the caller closes it.
	Open(ctx context.Context, name string) (File, error)
	// Stat describes a blob without opening it.
	Stat(ctx context.Context, name string) (Info, error)
	// Delete removes a blob; one that is not there is no error. Who has it open reads on.
	Delete(ctx context.Context, name string) error
	// Each calls fn with every blob, ordered by name, until fn returns an error.
	Each(ctx context.Context, fn func(Info) error) error
}

// Info describes a blob.
type Info struct {
	Name     string
	Size     int64     // bytes
	Modified time.Time // when it was stored; a repeated Put may renew it
}

// ETag returns the strong HTTP entity tag: the hash in quotes.
func (i Info) ETag() string { return `"` + i.Name[:hashLen] + `"` }

// ContentType returns the media type its extension stands for.
func (i Info) ContentType() string { return ContentType(i.Name) }

// File is an open blob: what http.ServeContent needs.
type File interface {
	io.ReadSeekCloser
	Info() Info
	Size() int64
	ModTime() time.Time
	ETag() string
}

// Writer takes the content of one blob. Nothing is stored until Commit; Close without it
// discards what was written, and after it does nothing.
type Writer interface {
	io.Writer
	// Commit makes the content durable and returns its name and size in bytes.
	Commit() (name string, size int64, err error)
	Close() error
}

// Limit returns a reader of r that fails with fault.TooLarge once r has given more than max bytes.
func Limit(r io.Reader, max int64) io.Reader { return &limited{r: r, left: max, max: max} }

type limited struct {
	r         io.Reader
	left, max int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if int64(n) > l.left {
		n, l.left = int(l.left), 0
		return n, tooLarge(l.max)
	}
	l.left -= int64(n)
	return n, err
}

func tooLarge(max int64) error {
	return fault.New(fault.TooLarge, "The file is over the limit of %d bytes. Send a smaller one.", max)
}
