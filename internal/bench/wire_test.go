package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestWireReadsWhatGoAnswers sends requests over one connection to Go's own server, which answers them with
// a length, in chunks, with nothing, with a problem, and closing.
func TestWireReadsWhatGoAnswers(t *testing.T) {
	connections := map[string]bool{}
	served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connections[r.RemoteAddr] = true
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Of") != "me" {
			t.Errorf("%s %v came with %v: %v", r.Method, r.Header, body, err)
		}
		switch r.URL.Path {
		case "/length":
			fmt.Fprintf(w, "got %s", body)
		case "/chunks":
			for range 3 {
				fmt.Fprintf(w, "got %s;", body)
				w.(http.Flusher).Flush()
			}
		case "/problem":
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, strings.Repeat("x", 10_000))
		case "/close":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "gone")
		}
	}))
	defer served.Close()
	w, err := newWire(served.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for round := range 3 {
		for _, c := range []struct {
			path   string
			status int
			answer string
		}{
			{"/length", 200, "got it"}, {"/chunks", 200, "got it;got it;got it;"}, {"/empty", 200, ""},
			{"/problem", http.StatusTeapot, strings.Repeat("x", 10_000)}, {"/close", 200, "gone"},
		} {
			status, answer, err := w.post(t.Context(), c.path, []byte("X-Of: me\r\n"), []byte("it"))
			if err != nil || status != c.status || string(answer) != c.answer {
				t.Fatalf("round %d, %s: %d %.40q %v", round, c.path, status, answer, err)
			}
		}
	}
	if len(connections) != 3 {
		t.Errorf("%d connections, want one for each round", len(connections))
	}
}

// TestWireSaysWhatBroke wants an error, never an answer, of what is not whole, and a new connection after it.
func TestWireSaysWhatBroke(t *testing.T) {
	for _, said := range []string{"", "HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "HTTP/1.1 x\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nno length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"} {
		served := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, said)
			conn.Close()
		}))
		w, err := newWire(served.URL)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if status, answer, err := w.post(t.Context(), "/", nil, nil); err == nil {
				t.Errorf("%q was read as %d %q", said, status, answer)
			}
		}
		served.Close()
	}
}

// TestBatchIsWhatTheContractAsks reads a batch back: JSON, ids that are all different, a token each.
func TestBatchIsWhatTheContractAsks(t *testing.T) {
	m, s := &market{products: []string{"prd_a", "prd_b"}}, &shopper{tokens: []string{"one", "two"}}
	known := map[uuid.UUID]bool{}
	var body []byte
	for round := range 10 {
		body = batch(body, s, m, round, 50)
		var read struct {
			Events []struct {
				ID                   uuid.UUID
				Type, At, Impression string
				Product              string `json:"product_id"`
				WatchMS              int    `json:"watch_ms"`
			}
		}
		if err := json.Unmarshal(body, &read); err != nil || len(read.Events) != 50 {
			t.Fatalf("%d events of 50: %v in %.200s", len(read.Events), err, body)
		}
		for i, e := range read.Events {
			if e.Type != scroll[i%len(scroll)] || e.Impression == "" || e.At == "" || (e.WatchMS != 0) != (e.Type == "watch") || (e.Product != "") != strings.HasPrefix(e.Type, "product_") {
				t.Errorf("event %d is %+v", i, e)
			}
			known[e.ID] = true
		}
	}
	if len(known) != 500 {
		t.Errorf("%d different ids of 500", len(known))
	}
}

// TestAcceptedReadsEveryVerdict wants the same from the short way and from JSON however it is laid out.
func TestAcceptedReadsEveryVerdict(t *testing.T) {
	for _, c := range []struct {
		status int
		answer string
		want   int
		fails  bool
	}{
		{200, `{"accepted":50,"duplicates":0,"rejected":[]}`, 50, false}, {200, `{ "accepted" : 7 }`, 7, false},
		{200, `{"accepted":x,`, 0, true}, {200, ``, 0, true}, {503, `{"type":"https://x/problems/unavailable"}`, 0, true},
	} {
		got, err := accepted(c.status, []byte(c.answer))
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%d %s: %d, %v", c.status, c.answer, got, err)
		}
	}
}
