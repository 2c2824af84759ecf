// Package stripetest is a server that speaks like Stripe as far as Mezzo does, with money, states and messages, for tests.
package stripetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"mezzo/internal/clock"
)

// Key and Secret are what the server is spoken to with, and signs its messages by.
const (
	Key    = "sk_test_0123456789abcdef"
	Secret = "whsec_0123456789abcdef"
)

// Object is anything of Stripe's: its fields by their JSON names.
type Object map[string]any

// Text returns a field that is text.
func (o Object) Text(name string) string { s, _ := o[name].(string); return s }

// Number returns a field that is a whole number.
func (o Object) Number(name string) int64 { n, _ := o[name].(int64); return n }

// Server is the provider.
type Server struct {
	*httptest.Server
	mu      sync.Mutex
	clock   clock.Clock
	objects map[string]Object
	answers map[string]kept // by idempotency key
	lines   []Object        // of the balance, oldest first
	events  []Object
	n       int
	lose    bool // answers to POSTs do not arrive
	down    bool
	// Refunds is what a refund is at first: succeeded when empty, else pending or failed; refused where Stripe holds too little.
	Refunds string
	// Slow lets the bank behind a page answer later than the buyer: paid again, late, it succeeds.
	Slow bool
	// Calls counts requests by method and path without ids.
	Calls map[string]int
}

// kept is the answer to a request that is given again for its key.
type kept struct {
	hash   [32]byte
	status int
	body   []byte
}

// failure is an error as Stripe tells of it.
type failure struct {
	status              int
	kind, code, message string
}

// New returns a server that goes by the clock.
func New(c clock.Clock) *Server {
	s := &Server{clock: c, objects: map[string]Object{}, answers: map[string]kept{}, Calls: map[string]int{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// Lose lets the answers to POSTs get lost after they were carried out, or ends that.
func (s *Server) Lose(lose bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose = lose
}

// Down lets every request fail without being carried out, or ends that.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Find returns a copy of the object of the id, nil when there is none.
func (s *Server) Find(id string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return maps.Clone(s.objects[id])
}

// All returns the objects of a kind, oldest first.
func (s *Server) All(kind string) (list []Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	for _, o := range s.objects {
		if o["object"] == kind {
			list = append(list, maps.Clone(o))
		}
	}
	slices.SortFunc(list, func(a, b Object) int { return strings.Compare(a.Text("id"), b.Text("id")) })
	return list
}

// Held is what the platform's balance comes to.
func (s *Server) Held() (sum int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		sum += l.Number("amount") - l.Number("fee")
	}
	return sum
}

// Sent counts the requests that created something at a path.
func (s *Server) Sent(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Calls["POST "+path]
}

func (s *Server) now() int64 { return s.clock.Now().Unix() }

func (s *Server) newObject(prefix, kind string, o Object) Object {
	s.n++
	o["id"], o["object"], o["created"] = fmt.Sprintf("%s_%06d", prefix, s.n), kind, s.now()
	s.objects[o.Text("id")] = o
	return o
}

// book adds a line to the balance.
func (s *Server) book(kind string, source Object, amount, fee int64) {
	l := s.newObject("txn", "balance_transaction", Object{"type": kind, "amount": amount, "fee": fee, "currency": source["currency"], "source": source["id"]})
	s.lines = append(s.lines, l)
}

// happens adds an event.
func (s *Server) happens(kind string, o Object) {
	s.n++
	s.events = append(s.events, Object{"id": fmt.Sprintf("evt_%06d", s.n), "object": "event", "type": kind, "livemode": false, "data": Object{"object": maps.Clone(o)}})
}

// Events returns the bodies of all events so far, oldest first: to be delivered, repeated, reordered or lost.
func (s *Server) Events() (list [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	for _, e := range s.events {
		b, err := json.Marshal(e)
		if err != nil {
			panic(err)
		}
		list = append(list, b)
	}
	return list
}

// Sign returns the signature header of a body as of a time.
func Sign(secret string, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v0=ffff,v1=" + hex.EncodeToString(mac.Sum(nil))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	if err := r.ParseForm(); err != nil {
		answer(w, 400, Object{})
		return
	}
	s.Calls[r.Method+" "+r.URL.Path]++
	switch {
	case s.down:
		answer(w, 503, Object{})
		return
	case r.Header.Get("Authorization") != "Bearer "+Key:
		refuse(w, failure{401, "invalid_request_error", "", "Invalid API Key provided"})
		return
	case r.Method == http.MethodGet:
		s.give(w, r)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	hash := sha256.Sum256([]byte(r.URL.Path + "\n" + r.PostForm.Encode()))
	had, known := s.answers[key]
	switch {
	case key == "":
		refuse(w, failure{400, "invalid_request_error", "", "this server wants an Idempotency-Key with every POST"})
		return
	case known && had.hash != hash:
		refuse(w, failure{400, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters they were first used with."})
		return
	case !known:
		rec := httptest.NewRecorder()
		o, bad := s.make(r)
		if bad != nil {
			refuse(rec, *bad)
		} else {
			answer(rec, 200, s.shown(o, true))
		}
		had = kept{hash, rec.Code, rec.Body.Bytes()}
		if bad == nil || bad.code == "balance_insufficient" { // what was begun is remembered, refused or not; what its checks refused is not
			s.answers[key] = had
		}
	}
	if s.lose {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(had.status)
	w.Write(had.body)
}

func answer(w http.ResponseWriter, status int, o any) {
	w.Header().Set("Request-Id", "req_test")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(o); err != nil {
		panic(err)
	}
}

func refuse(w http.ResponseWriter, f failure) {
	answer(w, f.status, Object{"error": Object{"type": f.kind, "code": f.code, "message": f.message}})
}

// Forget drops the idempotency keys, as Stripe does after a day.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.answers)
}
