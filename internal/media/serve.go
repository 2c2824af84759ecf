package media

import (
	"net/http"
	"strings"
	"time"

	"mezzo/internal/blob"
	"mezzo/internal/fault"
)

// ServeBlob answers with a blob of the name, which is found under Path: whole or by ranges, to be
// kept for ever, since its name is the hash of its content. Only pictures and videos are served.
func (m *Media) ServeBlob(w http.ResponseWriter, r *http.Request, name string) {
	kind := blob.ContentType(name)
	if !strings.HasPrefix(kind, "video/") && !strings.HasPrefix(kind, "image/") {
		m.Refuse(w, r, fault.New(fault.Missing, "This file is not here."))
		return
	}
	f, err := m.Blobs.Open(r.Context(), name)
	if err != nil {
		m.Refuse(w, r, err)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("ETag", f.ETag())
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // shelves are embedded in other sites
	h.Del("Set-Cookie")                                   // what many share names nobody
	// No Last-Modified: equal blobs may be stored at different times, and the tag says it all.
	http.ServeContent(w, r, "", time.Time{}, f)
}
