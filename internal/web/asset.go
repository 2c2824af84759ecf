package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Policy is the Content-Security-Policy of every page: nothing from elsewhere, nothing inline.
// Pictures and clips may also be blobs, which the upload page makes of the chosen file.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; " +
	"connect-src 'self'; form-action 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'"

// AssetPath is where assets are served; a name under it carries the hash of its content, so
// that a browser may keep it for ever.
const AssetPath = "/assets/"

//go:embed dist/mezzo.css dist/page.js dist/feed.js dist/upload.js dist/numbers.js assets/icons.svg assets/art.svg assets/mark.svg
var files embed.FS

// asset is one file as it is served.
type asset struct {
	url    string // with the hash in its name
	kind   string // content type
	etag   string
	plain  []byte
	packed []byte // gzip
}

// assets reads, names and packs the embedded files once.
var assets = sync.OnceValue(func() map[string]*asset {
	out := map[string]*asset{}
	for _, folder := range []string{"dist", "assets"} {
		entries, err := files.ReadDir(folder)
		if err != nil {
			panic(err) // embedded at build: cannot be absent
		}
		for _, e := range entries {
			b, err := files.ReadFile(path.Join(folder, e.Name()))
			if err != nil {
				panic(err)
			}
			out[e.Name()] = named(e.Name(), b)
		}
	}
	return out
})

func named(name string, b []byte) *asset {
	sum := sha256.Sum256(b)
	hash := hex.EncodeToString(sum[:6])
	ext := path.Ext(name)
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	_, _ = z.Write(b) // into memory: cannot fail
	_ = z.Close()
	kind := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}[ext]
	return &asset{
		url: AssetPath + strings.TrimSuffix(name, ext) + "." + hash + ext, kind: kind,
		etag: `"` + hash + `"`, plain: b, packed: packed.Bytes(),
	}
}

// AssetURL returns the address of an asset by its plain name, such as "mezzo.css"; a name that is
// none gives a path that answers 404.
func AssetURL(name string) string {
	if a, ok := assets()[name]; ok {
		return a.url
	}
	return AssetPath + name
}

// Assets serves the embedded files under AssetPath, for ever, packed for those who accept it.
func Assets() http.Handler {
	byURL := map[string]*asset{}
	for _, a := range assets() {
		byURL[a.url] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byURL[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", a.etag)
		h.Set("Vary", "Accept-Encoding")
		if r.Header.Get("If-None-Match") == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		body := a.plain
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = a.packed
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // the reader has gone: nobody is left to tell
		}
	})
}

// Manifest lists the assets by name with their addresses and packed sizes in bytes, for logs and tests.
func Manifest() []string {
	var out []string
	for name, a := range assets() {
		out = append(out, fmt.Sprintf("%s %s %d", name, a.url, len(a.packed)))
	}
	sort.Strings(out)
	return out
}
