package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"mezzo/internal/blob"
	"mezzo/internal/fault"
)

func disk(t testing.TB) (*blob.Disk, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := blob.OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, dir
}

func named(data []byte, ext string) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) + "." + ext
}

// files lists the regular files below dir, the lock left out.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != "lock" {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t testing.TB, s blob.Store, name string) []byte {
	t.Helper()
	f, err := s.Open(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPutOpenDelete(t *testing.T) {
	d, dir := disk(t)
	ctx := context.Background()
	data := []byte("a short film")
	name, size, err := d.Put(ctx, bytes.NewReader(data), "mp4")
	if err != nil || name != named(data, "mp4") || size != int64(len(data)) {
		t.Fatalf("put gave %q, %d, %v", name, size, err)
	}
	if got := files(t, dir); len(got) != 1 || got[0] != filepath.Join(dir, name[:2], name[2:4], name) {
		t.Fatalf("on disk: %v", got)
	}
	if path, err := d.Path(name); err != nil || path != files(t, dir)[0] {
		t.Fatalf("path is %q, %v", path, err)
	}
	f, err := d.Open(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := d.Stat(ctx, name)
	if err != nil || info != f.Info() || info.Size != size || info.Name != name ||
		f.ETag() != `"`+name[:64]+`"` || info.ContentType() != "video/mp4" || !f.ModTime().Equal(info.Modified) {
		t.Fatalf("stat %+v, file %+v, %v", info, f.Info(), err)
	}
	for range 2 { // the second time it is no longer there
		if err := d.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, data) {
		t.Fatalf("who had it open read %q, %v", got, err)
	}
	_, openErr := d.Open(ctx, name)
	_, statErr := d.Stat(ctx, name)
	if !fault.Is(openErr, fault.Missing) || !fault.Is(statErr, fault.Missing) {
		t.Fatalf("after deleting: %v, %v", openErr, statErr)
	}
}

func TestRefusedLeavesNothing(t *testing.T) {
	d, dir := disk(t)
	cut := errors.New("the phone went away")
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		ext  string
		want func(error) bool
	}{
		"a page":      {context.Background(), strings.NewReader("<script>"), "html", kind(fault.Invalid)},
		"a path":      {context.Background(), strings.NewReader("x"), "../mp4", kind(fault.Invalid)},
		"too large":   {context.Background(), blob.Limit(strings.NewReader("12345"), 4), "mp4", kind(fault.TooLarge)},
		"cut short":   {context.Background(), iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("12345"))), "mp4", is(iotest.ErrTimeout)},
		"broken":      {context.Background(), iotest.ErrReader(cut), "mp4", is(cut)},
		"caller gone": {gone, strings.NewReader("x"), "mp4", is(context.Canceled)},
	} {
		if _, _, err := d.Put(c.ctx, c.r, c.ext); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w, err := d.Create(context.Background(), "mp4", 4)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("1234")); err != nil {
		t.Errorf("four bytes of four: %v", err)
	}
	if _, err := w.Write([]byte("5")); !fault.Is(err, fault.TooLarge) {
		t.Errorf("the fifth byte: %v", err)
	}
	if _, _, err := w.Commit(); !fault.Is(err, fault.TooLarge) {
		t.Errorf("commit after a failed write: %v", err)
	}
	w.Close()
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if name, _, err := d.Put(context.Background(), blob.Limit(strings.NewReader("1234"), 4), "mp4"); err != nil || name != named([]byte("1234"), "mp4") {
		t.Errorf("exactly the limit: %q, %v", name, err)
	}
}

func kind(k fault.Kind) func(error) bool { return func(err error) bool { return fault.Is(err, k) } }
func is(want error) func(error) bool     { return func(err error) bool { return errors.Is(err, want) } }

func TestWriter(t *testing.T) {
	d, _ := disk(t)
	w, err := d.Create(context.Background(), "m4s", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"one ", "", "two"} {
		if n, err := io.WriteString(w, part); err != nil || n != len(part) {
			t.Fatal(n, err)
		}
	}
	name, size, err := w.Commit()
	if err != nil || size != 7 || string(content(t, d, name)) != "one two" {
		t.Fatal(name, size, err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("close after commit: %v", err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("a committed writer took more")
	}
	if _, _, err := w.Commit(); err == nil {
		t.Error("committed twice")
	}
}

func TestSameContentAtOnce(t *testing.T) {
	d, dir := disk(t)
	data := bytes.Repeat([]byte("the same clip "), 50_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			name, _, err := d.Put(context.Background(), bytes.NewReader(data), "mp4")
			if err != nil || name != named(data, "mp4") {
				t.Errorf("%q, %v", name, err)
				return
			}
			if !bytes.Equal(content(t, d, name), data) {
				t.Error("read something else than was put")
			}
		})
	}
	wg.Wait()
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("%d files, want 1: %v", len(got), got)
	}
}

func TestImportMoves(t *testing.T) {
	d, dir := disk(t)
	data := bytes.Repeat([]byte("upload "), 100_000)
	from := filepath.Join(d.Uploads(), "abc")
	if err := os.WriteFile(from, data, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Import(context.Background(), from, "exe"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a program was imported: %v", err)
	}
	name, size, err := d.Import(context.Background(), from, "mp4")
	if err != nil || name != named(data, "mp4") || size != int64(len(data)) {
		t.Fatal(name, size, err)
	}
	path, _ := d.Path(name)
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the file was copied, not moved (%v)", err)
	}
	if got := files(t, dir); len(got) != 1 {
		t.Errorf("on disk: %v", got)
	}
	if _, _, err := d.Import(context.Background(), from, "mp4"); !fault.Is(err, fault.Missing) {
		t.Errorf("imported again: %v", err)
	}
	link := filepath.Join(d.Uploads(), "link")
	if err := os.Symlink("/etc/hostname", link); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Import(context.Background(), link, "bin"); err == nil {
		t.Error("a symbolic link was imported")
	}
}

func TestOpenCleansUp(t *testing.T) {
	dir := t.TempDir()
	first, err := blob.OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := first.Create(context.Background(), "mp4", 0)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "half a film")
	upload := filepath.Join(first.Uploads(), "going-on")
	if err := os.WriteFile(upload, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := blob.OpenDisk(dir) // as a command beside the server does
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
	name, _, err := w.Commit()
	if err != nil {
		t.Fatalf("a second opening broke a put of the first: %v", err)
	}
	if w, err = first.Create(context.Background(), "mp4", 0); err != nil {
		t.Fatal(err)
	}
	first.Close() // and never commits, as if killed
	third, err := blob.OpenDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("want the blob and the upload, have %v", got)
	}
	if string(content(t, third, name)) != "half a film" {
		t.Error("the blob changed")
	}
	_ = w
}

func TestEach(t *testing.T) {
	d, dir := disk(t)
	want := map[string]int64{}
	for i := range 20 {
		name, size, err := d.Put(context.Background(), strings.NewReader(strings.Repeat("x", i)), "json")
		if err != nil {
			t.Fatal(err)
		}
		want[name] = size
	}
	if err := os.WriteFile(filepath.Join(dir, "readme.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	last := ""
	err := d.Each(context.Background(), func(i blob.Info) error {
		if size, ok := want[i.Name]; !ok || size != i.Size || i.Name <= last {
			t.Errorf("%+v after %q", i, last)
		}
		last = i.Name
		delete(want, i.Name)
		return nil
	})
	if err != nil || len(want) != 0 {
		t.Errorf("%v; not seen: %v", err, want)
	}
	stop := errors.New("stop")
	if err := d.Each(context.Background(), func(blob.Info) error { return stop }); err != stop {
		t.Errorf("%v, want the error of fn", err)
	}
}

// A range served over HTTP is that part of the content.
func TestRanges(t *testing.T) {
	d, _ := disk(t)
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOfN(rapid.Byte(), 1, 5000).Draw(t, "data")
		from := rapid.IntRange(0, len(data)-1).Draw(t, "from")
		to := rapid.IntRange(from, len(data)+10).Draw(t, "to")
		name, _, err := d.Put(context.Background(), bytes.NewReader(data), "mp4")
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Open(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to))
		r.Header.Set("If-Range", f.ETag())
		w := httptest.NewRecorder()
		w.Header().Set("ETag", f.ETag())
		http.ServeContent(w, r, name, f.ModTime(), f)
		want := data[from:min(to+1, len(data))]
		if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), want) {
			t.Fatalf("status %d, %d bytes, want %d", w.Code, w.Body.Len(), len(want))
		}
	})
}

func TestSymlinkStaysShut(t *testing.T) {
	d, dir := disk(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := named([]byte("x"), "mp4")
	folder := filepath.Join(dir, name[:2], name[2:4])
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
	if f, err := d.Open(context.Background(), name); err == nil {
		f.Close()
		t.Error("a link out of the folder was opened")
	}
	if _, err := d.Stat(context.Background(), name); !fault.Is(err, fault.Missing) {
		t.Errorf("stat of a link: %v", err)
	}
}

// No name but a blob's own opens, deletes or names anything.
func FuzzName(f *testing.F) {
	d, dir := disk(f)
	good := named([]byte("x"), "mp4")
	for _, s := range []string{"", ".", "..", good, good[:64], good + "x", strings.ToUpper(good), "../" + good,
		good[:60] + "/../" + ".mp4", good[:64] + ".mp4/..", good[:64] + ".", good[:64] + ".mp4\x00", "lock", "tmp",
		strings.Repeat("/", 64) + ".mp4", strings.Repeat("é", 32) + ".mp4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		path, err := d.Path(name)
		if (err == nil) != blob.Valid(name) {
			t.Fatalf("path %q, %v; valid: %v", path, err, blob.Valid(name))
		}
		if err == nil {
			if rel, err := filepath.Rel(dir, path); err != nil || rel != filepath.Join(name[:2], name[2:4], name) {
				t.Fatalf("%q lies at %q (%v)", name, path, err)
			}
		} else if !fault.Is(err, fault.Missing) {
			t.Fatalf("%q: %v", name, err)
		}
		if _, err := d.Open(context.Background(), name); !fault.Is(err, fault.Missing) {
			t.Fatalf("opening %q in an empty store: %v", name, err)
		}
		if _, err := d.Stat(context.Background(), name); !fault.Is(err, fault.Missing) {
			t.Fatalf("stat of %q in an empty store: %v", name, err)
		}
		if err := d.Delete(context.Background(), name); err != nil && !fault.Is(err, fault.Missing) {
			t.Fatalf("deleting %q: %v", name, err)
		}
	})
}
