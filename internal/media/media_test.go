package media_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/blob"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/media"
)

// statuses is how the house answers the kinds of fault.
var statuses = map[fault.Kind]int{fault.Malformed: 400, fault.Unauthorized: 401, fault.Forbidden: 403, fault.Missing: 404,
	fault.Conflict: 409, fault.Stale: 412, fault.TooLarge: 413, fault.Invalid: 422, fault.Limited: 429, fault.Unavailable: 503, fault.Internal: 500}

// world is a media room with a server in front and a sink that remembers.
type world struct {
	*media.Media
	t     *testing.T
	d     *db.DB
	clock *clock.Turned
	blobs *blob.Disk
	dir   string
	url   string
	mu    sync.Mutex
	ready map[id.Video]media.Result
	lost  map[id.Video]string
	steps []int
	fails error // what the sink answers MediaReady with, once
}

func (w *world) MediaReady(_ *db.Tx, v id.Video, r media.Result) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.fails; err != nil {
		w.fails = nil
		return err
	}
	w.ready[v] = r
	return nil
}

func (w *world) MediaFailed(_ *db.Tx, v id.Video, reason string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost[v] = reason
	return nil
}

func (w *world) MediaProgress(_ *db.Tx, _ id.Video, percent int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, percent)
	return nil
}

func newWorld(t *testing.T, d *db.DB, c *clock.Turned, tool *media.Tool) *world {
	t.Helper()
	blobs, err := blob.OpenDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	w := &world{t: t, d: d, clock: c, blobs: blobs, dir: blobs.Uploads(), ready: map[id.Video]media.Result{}, lost: map[id.Video]string{}}
	refuse := func(rw http.ResponseWriter, _ *http.Request, err error) {
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(statuses[fault.KindOf(err)])
		_ = json.NewEncoder(rw).Encode(map[string]string{"detail": err.Error()})
	}
	w.Media, err = media.New(media.Options{DB: d, Blobs: blobs, Dir: w.dir, Sink: w, Tool: tool, Refuse: refuse})
	if err != nil {
		t.Fatal(err)
	}
	uploads := w.Handler(func(r *http.Request) (account.Asker, error) {
		a := account.Asker{Account: id.Account(r.Header.Get("Test-Account"))}
		if s := r.Header.Get("Test-Scope"); s != "" {
			a.Scopes = account.Scopes{account.Scope(s): true}
		}
		return a, nil
	})
	mux := http.NewServeMux()
	mux.Handle("/api/v1/uploads", uploads)
	mux.Handle("/api/v1/uploads/", uploads)
	mux.HandleFunc("/media/{name}", func(rw http.ResponseWriter, r *http.Request) { w.ServeBlob(rw, r, r.PathValue("name")) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// each runs a test on both engines, without a transcoder.
func each(t *testing.T, f func(t *testing.T, w *world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) { f(t, newWorld(t, d, c, nil)) })
}

func someone(c clock.Clock) id.Account { return id.Account("").Next(c.Now()) }

// ask sends a request as the account and returns the answer, its body read.
func (w *world) ask(who id.Account, method, path string, body []byte, headers ...string) (*http.Response, string) {
	w.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = w.url + path
	}
	r, err := http.NewRequest(method, path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Test-Account", string(who))
	r.Header.Set("Tus-Resumable", "1.0.0")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, string(b)
}

// want fails the test unless the answer has the status and says the words.
func (w *world) want(status int, says string) func(*http.Response, string) *http.Response {
	w.t.Helper()
	return func(r *http.Response, body string) *http.Response {
		w.t.Helper()
		if r.StatusCode != status || !strings.Contains(body, says) {
			w.t.Fatalf("%s %s: %s %s; want %d with %q", r.Request.Method, r.Request.URL.Path, r.Status, body, status, says)
		}
		return r
	}
}

// begin creates an upload and returns its path.
func (w *world) begin(who id.Account, size int) string {
	w.t.Helper()
	r := w.want(201, "")(w.ask(who, "POST", "/api/v1/uploads", nil, "Upload-Length", strconv.Itoa(size),
		"Upload-Metadata", "filename "+base64.StdEncoding.EncodeToString([]byte("../../My clip.mp4"))+",filetype dmlkZW8vbXA0"))
	return r.Header.Get("Location")
}

// send uploads content whole and returns the upload's id.
func (w *world) send(who id.Account, content []byte) id.Upload {
	w.t.Helper()
	at := w.begin(who, len(content))
	w.want(204, "")(w.ask(who, "PATCH", at, content, "Upload-Offset", "0"))
	return id.Upload(at[strings.LastIndex(at, "/")+1:])
}

func (w *world) upload(who id.Account, upload id.Upload) (media.Upload, error) {
	return db.Get(context.Background(), w.d, func(tx *db.Tx) (media.Upload, error) { return media.GetUpload(tx, who, upload) })
}

// post has an upload made into a video, and returns the error of asking for it.
func (w *world) post(who id.Account, upload id.Upload, poster id.Image) (id.Video, error) {
	video := id.Video("").Next(w.clock.Now())
	return video, w.d.Write(context.Background(), func(tx *db.Tx) error {
		return w.Process(tx, who, video, upload, poster)
	})
}

// work runs the jobs that are due.
func (w *world) work() {
	w.t.Helper()
	if _, err := w.d.NewWorker(w.Handlers()).RunDue(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sweep() {
	w.t.Helper()
	if err := w.Sweep(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// left lists the files of uploads and work.
func (w *world) left() (names []string) {
	w.t.Helper()
	for _, dir := range []string{w.dir, filepath.Join(w.dir, "work")} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "work" {
				names = append(names, e.Name())
			}
		}
	}
	return names
}

// kept lists the blobs.
func (w *world) kept() (names []string) {
	w.t.Helper()
	if err := w.blobs.Each(context.Background(), func(i blob.Info) error {
		names = append(names, i.Name)
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return names
}

// content returns the bytes of a blob as the server serves them.
func (w *world) content(name string) []byte {
	w.t.Helper()
	r, body := w.ask("", "GET", media.URL(name), nil)
	if r.StatusCode != 200 {
		w.t.Fatal(r.Status, body)
	}
	return []byte(body)
}

func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.d.Read(context.Background(), func(tx *db.Tx) error { return tx.Row(query, args...).Scan(&n) })
	if err != nil {
		w.t.Fatal(fmt.Errorf("%s: %w", query, err))
	}
	return n
}

// write puts bytes where an upload's are, as a process does that dies right after.
func (w *world) write(name string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o600); err != nil {
		w.t.Fatal(err)
	}
}
