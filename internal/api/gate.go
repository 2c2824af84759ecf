package api

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// keyLimit is how many characters an Idempotency-Key may have.
const keyLimit = 255

const crossOrigin = "This request comes from another site's page and was refused. Use the page it belongs to, or an API token."

// gate stands before each operation: cross-origin requests, who may call, how large, how often.
func (a *API) gate(route Route, w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	trace := traceOf(r.Context())
	trace.route = route.Pattern()
	w.Header().Set("Cache-Control", "no-store")
	if route.CORS {
		w.Header().Set("Access-Control-Allow-Origin", "*")
	}
	next, err := a.admit(route, trace, w, r, next)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	next(w, r)
}

// admit returns what to run, or why the request is refused.
func (a *API) admit(route Route, trace *trace, w http.ResponseWriter, r *http.Request, next http.HandlerFunc) (http.HandlerFunc, error) {
	if trace.bearer != nil && !route.OwnAuth {
		return nil, trace.bearer
	}
	if !route.CORS && a.foreign(r) {
		return nil, fault.New(fault.Forbidden, crossOrigin)
	}
	if err := readable(r); err != nil {
		return nil, err
	}
	who := account.From(r.Context())
	if err := permit(route, who, r); err != nil {
		return nil, err
	}
	limit := route.maxBody()
	if limit > 0 {
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			return nil, tooLarge(limit)
		}
		if !route.raw {
			limit++ // huma itself answers when a body reaches its limit, which is one beyond ours
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	key := r.Header.Get("Idempotency-Key")
	if !route.takesKey() || key == "" && route.Idempotency != Required {
		return next, nil
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	hash, err := a.hashBody(route, key, r)
	if err != nil {
		return nil, err
	}
	holder := who.KeyHolder()
	if route.Secret {
		holder = who.Actor() // the hash holds a password: only who knows it gets the answer, with no cookie yet to hold
	}
	named := db.Key{Actor: holder, Route: r.Method + " " + route.Pattern(), Value: key, Hash: hash}
	return func(w http.ResponseWriter, r *http.Request) {
		next(w, r.WithContext(db.WithKey(r.Context(), named)))
	}, nil
}

// foreign reports whether another site's page sends the request with what a browser adds by itself. A bearer token
// it never adds, and cookies are not read beside one; the password of a proxy in front it does.
func (a *API) foreign(r *http.Request) bool {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return !strings.EqualFold(scheme, "Bearer") && a.origin.Check(r) != nil
}

// readable refuses paths and queries whose text no database keeps.
func readable(r *http.Request) error {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil || !utf8.ValidString(query) || !utf8.ValidString(r.URL.Path) || strings.ContainsRune(query+r.URL.Path, 0) {
		return fault.New(fault.Malformed, "The path or the query is not valid UTF-8 text.")
	}
	return nil
}

func checkKey(key string) error {
	if key == "" {
		return fault.New(fault.Malformed, "This call needs an Idempotency-Key header: any text of your own, such as a UUID, the same when you repeat the call.").WithType("idempotency_key_missing")
	}
	bad := len(key) > keyLimit
	for i := 0; i < len(key); i++ {
		bad = bad || key[i] < 0x20 || key[i] > 0x7e
	}
	if bad {
		return fault.New(fault.Malformed, "An Idempotency-Key has at most %d printable ASCII characters.", keyLimit)
	}
	return nil
}

// hashBody reads the body, puts it back and returns its hash. A body that holds a password is
// hashed like one, so that what is kept cannot be guessed back.
func (a *API) hashBody(route Route, key string, r *http.Request) ([32]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return [32]byte{}, bodyFault(err)
	}
	if limit := route.maxBody(); limit > 0 && int64(len(body)) > limit {
		return [32]byte{}, tooLarge(limit)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if route.Secret && a.deps.Accounts != nil {
		return a.deps.Accounts.Fingerprint(r.Context(), body, key)
	}
	h := sha256.New()
	io.WriteString(h, r.URL.RequestURI()) // one key sent for two orders is a mistake to be told of
	h.Write([]byte{0})
	h.Write(body)
	return [32]byte(h.Sum(nil)), nil
}

// bodyFault says why a body could not be read.
func bodyFault(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge(large.Limit)
	}
	return fault.Wrap(fault.Malformed, err, "The body could not be read to its end. Send it again.")
}

func tooLarge(limit int64) error {
	return fault.New(fault.TooLarge, "The body is larger than the %d bytes this call takes.", limit)
}

// preflight answers a browser that asks whether another site's page may call the route.
func preflight(r Route, w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", r.Method)
	// The star stands for every header but Authorization. Older browsers know it not.
	h.Set("Access-Control-Allow-Headers", strings.Join([]string{"*", "Authorization", "Content-Type", "Content-Encoding", "X-Viewer-Token", "X-Retry-Count"}, ", "))
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
