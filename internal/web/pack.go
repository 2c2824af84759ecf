package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// packFrom is the size in bytes from which packing a page saves more than it costs: about one
// packet of the network.
const packFrom = 1400

// packers are reused: each holds a quarter of a megabyte of tables.
var packers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// send writes a page, packed for those who accept it. Nothing secret stands beside what a stranger
// may put into a page, so that its packed length tells nobody anything.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	if len(body) < packFrom || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		write(w, r, body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(w)
	write(z, r, body)
	if r.Method != http.MethodHead {
		_ = z.Close() // the reader has gone: nobody is left to tell
	}
}

// write writes the body of an answer, which a HEAD has none of.
func write(w io.Writer, r *http.Request, body []byte) {
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the reader has gone: nobody is left to tell
	}
}
