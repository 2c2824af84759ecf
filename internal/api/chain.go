package api

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// The general rates, over all routes together: of each asker we have met before, of the strangers
// of one address, and of everybody behind one address, which can be a whole town's.
const (
	GeneralBurst = 400                   // requests at once
	GeneralEvery = 10 * time.Millisecond // then one more each
	AddressBurst = 10 * GeneralBurst
	AddressEvery = GeneralEvery / 10
)

// SlowRequest is how long an answer may take before the log tells of it.
const SlowRequest = time.Second

// trace is what the door notes about one request.
type trace struct {
	id     id.Request
	route  string
	https  bool
	bearer error // why the Authorization header was not believed
	w      *recorder
}

func (t *trace) began() bool { return t.w != nil && t.w.status != 0 }

type traceKey struct{}

// traceOf returns the request's notes, never nil.
func traceOf(ctx context.Context) *trace {
	if t, ok := ctx.Value(traceKey{}).(*trace); ok {
		return t
	}
	return &trace{}
}

// chain puts the door in front of the mux: request id, log, panics, headers, rate, who asks.
func (a *API) chain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.opts.Clock.Now()
		var none id.Request
		t := &trace{id: none.Next(start), w: &recorder{ResponseWriter: w}, https: a.https(r)}
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, t))
		t.w.Header().Set("X-Request-Id", string(t.id))
		a.secure(t.w.Header(), r, t.https)
		defer a.settle(t, r, start)
		r, err := a.identify(t, r)
		if err != nil {
			a.fail(t.w, r, err)
			return
		}
		next.ServeHTTP(t.w, r)
	})
}

// settle ends a request: a panic becomes a problem, and the log gets its line.
func (a *API) settle(t *trace, r *http.Request, start time.Time) {
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		a.log.Error("panic", "request", t.id, "route", t.route, "panic", p, "stack", string(debug.Stack()))
		if t.began() {
			panic(http.ErrAbortHandler) // the answer is half written: the client must not take it for whole
		}
		a.fail(t.w, r, fault.New(fault.Internal, "panic"))
	}
	took := a.opts.Clock.Now().Sub(start)
	status := t.w.status
	if status == 0 {
		status = http.StatusOK
	}
	if a.opts.Observe != nil {
		a.opts.Observe(t.route, status, took.Seconds())
	}
	level := slog.LevelDebug // what went well and fast is counted by Observe; a line each would bury the rest
	if status >= http.StatusInternalServerError || took >= SlowRequest {
		level = slog.LevelInfo
	}
	if !a.log.Enabled(r.Context(), level) {
		return // before anything is put together for it
	}
	// Queries and headers can hold secrets and stay out of the log.
	a.log.Log(r.Context(), level, "request", "request", t.id, "method", r.Method, "path", r.URL.Path, "route", t.route,
		"status", status, "bytes", t.w.bytes, "took", took)
}

// secure sets the headers every answer has; pages set their own content security policy.
func (a *API) secure(h http.Header, r *http.Request, https bool) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.HasPrefix(r.URL.Path, "/api/") {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	}
	if https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// https reports whether the client speaks TLS, to us or to the proxy we were told to believe.
func (a *API) https(r *http.Request) bool {
	return r.TLS != nil || a.opts.TrustProxy && r.Header.Get("X-Forwarded-Proto") == "https"
}

// identify puts who asks into the request's context and sets the viewer's cookie when it is new.
func (a *API) identify(t *trace, r *http.Request) (*http.Request, error) {
	addr := a.address(r)
	who := account.Asker{IP: account.Truncate(addr)}
	if fromSDK(r) { // a server's SDK speaks for all its visitors: its key's own rate comes with the route
		return r.WithContext(account.With(r.Context(), who)), a.slowAddress(account.AddressKey(addr))
	}
	if a.deps.Accounts != nil {
		met, err := a.deps.Accounts.Meet(t.w, r, addr, t.https)
		if err != nil && !fault.Is(err, fault.Unauthorized) {
			return r, err
		}
		t.bearer, who = err, met
	}
	r = r.WithContext(account.With(r.Context(), who))
	return r, a.slowDown(who, account.AddressKey(addr))
}

// slowDown refuses who asks too often.
func (a *API) slowDown(who account.Asker, address string) error {
	if a.general == nil {
		return nil
	}
	key := who.Actor()
	if strings.HasPrefix(key, "ip:") {
		key = address
	}
	if wait := a.general.Take(key); wait > 0 {
		return tooMany(wait)
	}
	return a.slowAddress(address)
}

// slowAddress refuses an address behind which everybody together asks too often.
func (a *API) slowAddress(address string) error {
	if a.addresses == nil {
		return nil
	}
	if wait := a.addresses.Take(address); wait > 0 {
		return tooMany(wait)
	}
	return nil
}

func tooMany(wait time.Duration) error {
	return fault.New(fault.Limited, "Too many requests: slow down.").After(wait)
}

// address returns where the client is.
func (a *API) address(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	if a.opts.TrustProxy {
		// The last element is what our own proxy saw; what stands before it the client wrote.
		if list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); strings.TrimSpace(list[len(list)-1]) != "" {
			host = strings.TrimSpace(list[len(list)-1])
		}
	}
	addr, _ := netip.ParseAddr(host)
	return addr.Unmap().WithZone("")
}

// recorder notes what was answered. http.ResponseController reaches through it.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// begin notes the status of an answer about to be written. One that shared caches may keep sets no
// cookies: the next person would become this one's viewer.
func (w *recorder) begin(status int) {
	if w.status != 0 {
		return
	}
	w.status = status
	if strings.Contains(w.Header().Get("Cache-Control"), "public") {
		w.Header().Del("Set-Cookie")
	}
}

// WriteHeader notes the status; informational ones come before the answer.
func (w *recorder) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write notes the bytes.
func (w *recorder) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// ReadFrom keeps the kernel's way from file to socket open.
func (w *recorder) ReadFrom(r io.Reader) (int64, error) {
	w.begin(http.StatusOK)
	n, err := io.Copy(w.ResponseWriter, r)
	w.bytes += n
	return n, err
}

// Flush sends what was written so far.
func (w *recorder) Flush() {
	w.begin(http.StatusOK)
	http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap returns the writer underneath.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
