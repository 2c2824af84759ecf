package media

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tus/tusd/v2/pkg/filestore"
	"github.com/tus/tusd/v2/pkg/handler"
	"github.com/tus/tusd/v2/pkg/memorylocker"
	"golang.org/x/exp/slog"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// UploadsPath is where Handler is mounted: with and without its last slash.
const UploadsPath = "/api/v1/uploads/"

// filenameRunes bounds what is kept of the name a sender gives a file.
const filenameRunes = 120

// tus answers tus 1.0: creation, creation with upload, termination.
type tus struct {
	m   *Media
	who func(*http.Request) (account.Asker, error)
	up  *handler.UnroutedHandler
}

// Handler answers resumable uploads (tus 1.0: creation, creation-with-upload, termination) under
// UploadsPath. who says who asks; each upload exists for its owner only.
func (m *Media) Handler(who func(*http.Request) (account.Asker, error)) http.Handler {
	return &tus{m: m, who: who, up: m.up}
}

// library sets the tus library up with our steps in it.
func (m *Media) library() (*handler.UnroutedHandler, error) {
	store := filestore.New(m.Dir)
	composer := handler.NewStoreComposer()
	composer.UseCore(store)
	composer.UseTerminater(store)
	composer.UseLocker(memorylocker.New())
	return handler.NewUnroutedHandler(handler.Config{
		StoreComposer:              composer,
		MaxSize:                    MaxUploadBytes,
		BasePath:                   UploadsPath,
		DisableDownload:            true,
		DisableConcatenation:       true,
		Cors:                       &handler.CorsConfig{Disable: true},
		Logger:                     slog.New(slog.NewTextHandler(io.Discard, nil)),
		NetworkTimeout:             60 * time.Second,
		PreUploadCreateCallback:    m.createUpload,
		PreFinishResponseCallback:  m.finishUpload,
		PreUploadTerminateCallback: m.terminateUpload,
	})
}

// asked is what travels with one request through the other library and back.
type asked struct {
	who     account.Asker
	refusal error // why one of our own steps refused; told instead of what the library says
}

type askedKey struct{}

func askedOf(ctx context.Context) *asked {
	a, _ := ctx.Value(askedKey{}).(*asked)
	return a
}

// ServeHTTP routes a request to the step of the protocol it asks for.
func (t *tus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := &asked{}
	answer := &tusAnswer{ResponseWriter: w, r: r, t: t, a: a}
	defer answer.end()
	step, err := t.route(r, a)
	if err != nil {
		t.m.Refuse(w, r, err)
		return
	}
	r = r.Clone(context.WithValue(r.Context(), askedKey{}, a))
	r.URL.Path = "/" + uploadName(r)       // as the library knows it
	r.Header.Del("X-HTTP-Method-Override") // it would pass by what route looked at
	t.up.Middleware(step).ServeHTTP(answer, r)
}

// route finds the step, and lets only owners come near an upload.
func (t *tus) route(r *http.Request, a *asked) (step http.HandlerFunc, err error) {
	if r.Method == http.MethodOptions {
		return func(http.ResponseWriter, *http.Request) {}, nil // the library tells what we can do
	}
	if a.who, err = t.who(r); err != nil {
		return nil, err
	}
	if err := a.who.SignedIn(); err != nil {
		return nil, err
	}
	if err := a.who.May(account.ContentWrite); err != nil {
		return nil, err
	}
	name := uploadName(r)
	if name == "" {
		if r.Method != http.MethodPost {
			return nil, fault.New(fault.Missing, "Begin an upload with POST, then go on at the address it answers with.")
		}
		return t.up.PostFile, nil
	}
	upload := id.Upload(name)
	if !upload.Valid() {
		return nil, noUpload()
	}
	switch r.Method {
	case http.MethodHead:
		step = t.up.HeadFile
	case http.MethodPatch:
		step = t.up.PatchFile
	case http.MethodDelete:
		step = t.up.DelFile
	default:
		return nil, fault.New(fault.Missing, "An upload can be asked about with HEAD, continued with PATCH and removed with DELETE.")
	}
	return step, t.own(r, a.who, upload)
}

// uploadName returns what follows UploadsPath.
func uploadName(r *http.Request) string {
	return strings.Trim(strings.TrimPrefix(r.URL.Path+"/", UploadsPath), "/")
}

// own returns nil when the upload is the asker's and can still be worked on. One whose last byte
// came just before a crash is finished here.
func (t *tus) own(r *http.Request, who account.Asker, upload id.Upload) error {
	u, err := db.Get(r.Context(), t.m.DB, func(tx *db.Tx) (Upload, error) { return GetUpload(tx, who.Account, upload) })
	if err != nil {
		return err
	}
	switch {
	case u.State == Refused:
		return fault.New(fault.Invalid, "%s", u.Reason)
	case u.State == Receiving && r.Method != http.MethodDelete && t.m.arrived(u):
		return t.m.finish(r.Context(), upload)
	}
	return nil
}

// createUpload lets the library begin an upload under an id of ours, once there is a row for it.
func (m *Media) createUpload(hook handler.HookEvent) (handler.HTTPResponse, handler.FileInfoChanges, error) {
	a := askedOf(hook.Context)
	if hook.Upload.Size <= 0 {
		return refuse(a, fault.InvalidField("header.Upload-Length", "The file is empty. Choose the video and upload it again."))
	}
	name := clipName(hook.Upload.MetaData["filename"])
	u, err := db.Do(db.WithoutKey(hook.Context), m.DB, func(tx *db.Tx) (Upload, error) {
		return begin(tx, a.who.Account, hook.Upload.Size, name)
	})
	if err != nil {
		return refuse(a, err)
	}
	return handler.HTTPResponse{}, handler.FileInfoChanges{ID: string(u.ID)}, nil
}

func refuse(a *asked, err error) (handler.HTTPResponse, handler.FileInfoChanges, error) {
	a.refusal = err
	return handler.HTTPResponse{}, handler.FileInfoChanges{}, errRefused
}

// errRefused makes the library stop; the answer is made from asked.refusal.
var errRefused = handler.NewError("ERR_REFUSED", "refused", http.StatusUnprocessableEntity)

// finishUpload looks into an upload before the last piece is answered.
func (m *Media) finishUpload(hook handler.HookEvent) (handler.HTTPResponse, error) {
	if err := m.finish(hook.Context, id.Upload(hook.Upload.ID)); err != nil {
		askedOf(hook.Context).refusal = err
		return handler.HTTPResponse{}, errRefused
	}
	return handler.HTTPResponse{}, nil
}

// terminateUpload removes the row before the library removes the bytes: but not while a video is made of them.
func (m *Media) terminateUpload(hook handler.HookEvent) (handler.HTTPResponse, error) {
	err := m.DB.Write(hook.Context, func(tx *db.Tx) error {
		n, err := tx.Exec(`DELETE FROM uploads WHERE id = $1 AND state IN ('receiving','finished')`, hook.Upload.ID)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "A video is being made of this upload. Delete the video instead.")
		}
		return err
	})
	if err != nil {
		askedOf(hook.Context).refusal = err
		return handler.HTTPResponse{}, errRefused
	}
	return handler.HTTPResponse{}, nil
}

// clipName keeps what can be shown of a name that a sender gave.
func clipName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, name), "")
	for utf8.RuneCountInString(name) > filenameRunes {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// tusAnswer passes the library's answers on, with addresses that hold behind any proxy and with
// errors as the rest of the API tells them.
type tusAnswer struct {
	http.ResponseWriter
	r       *http.Request
	t       *tus
	a       *asked
	failed  int // the status of an error that has not been answered yet
	said    strings.Builder
	written bool
}

// Unwrap lets http.ResponseController reach the connection.
func (w *tusAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader holds errors back until it is known what they say.
func (w *tusAnswer) WriteHeader(status int) {
	if at := w.Header().Get("Location"); at != "" {
		if u, err := url.Parse(at); err == nil {
			w.Header().Set("Location", u.EscapedPath())
		}
	}
	if status >= 400 {
		w.failed = status
		return
	}
	w.written = true
	w.ResponseWriter.WriteHeader(status)
}

// Write passes a body on, or notes what an error says.
func (w *tusAnswer) Write(b []byte) (int, error) {
	if w.failed != 0 {
		if w.said.Len() < 1024 {
			w.said.Write(b)
		}
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// end answers an error that was held back.
func (w *tusAnswer) end() {
	// The library leaves its deadline on the connection, which may go on to other requests.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Time{})
	if w.failed == 0 || w.written {
		return
	}
	w.Header().Del("Content-Type")
	w.Header().Del("Content-Length")
	err := w.a.refusal
	if err == nil {
		err = libraryFault(w.failed, w.said.String())
	}
	w.t.m.Refuse(w.ResponseWriter, w.r, err)
}

// libraryFault says what the tus library found wrong as a fault of ours.
func libraryFault(status int, said string) error {
	if _, rest, ok := strings.Cut(said, ": "); ok {
		said = rest
	}
	said = strings.TrimSpace(said)
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return noUpload()
	case http.StatusConflict:
		return fault.New(fault.Conflict, "This piece does not begin where the upload stands. Ask with HEAD for its Upload-Offset and go on from there.")
	case http.StatusPreconditionFailed:
		return fault.New(fault.Stale, "Say which tus you speak: send the header Tus-Resumable: 1.0.0.")
	case http.StatusRequestEntityTooLarge:
		return fault.New(fault.TooLarge, "An upload can be %d bytes at most, and no more than it announced. Make the video shorter or smaller.", MaxUploadBytes)
	case http.StatusNotImplemented:
		return fault.New(fault.Malformed, "Say how many bytes will come with Upload-Length; it cannot be left open here.")
	case http.StatusLocked:
		return fault.New(fault.Conflict, "Another request is sending to this upload. Try again in a moment.").After(2 * time.Second)
	}
	if status >= 500 {
		return fault.New(fault.Unavailable, "The piece could not be stored whole. Ask with HEAD how far it came and go on from there.").After(2 * time.Second)
	}
	return fault.New(fault.Malformed, "The upload was not understood: %s.", orWord(said, http.StatusText(status)))
}
