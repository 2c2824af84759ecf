package journey

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/program"
)

// sdksEnv names the folder into which the SDKs of sdk/package.json are installed; `make test` sets it.
const sdksEnv = "MEZZO_SDKS"

// sdks returns the folder of the installed SDKs.
func sdks(t *testing.T) string {
	t.Helper()
	folder := os.Getenv(sdksEnv)
	if folder != "" {
		folder = filepath.Join(folder, "node_modules")
		if _, err := os.Stat(filepath.Join(folder, "@segment", "analytics-node")); err == nil {
			return folder
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("the event SDKs are not installed: %s is %q", sdksEnv, os.Getenv(sdksEnv))
	}
	t.Skipf("the event SDKs are not installed: npm install --prefix FOLDER with sdk/package.json and its lock, and %s=FOLDER", sdksEnv)
	return ""
}

// sent is one message as an SDK named it.
type sent struct{ ID, Type, Event string }

// sites is a market whose brand has a site of its own.
type sites struct {
	*market
	key struct {
		ID     id.WriteKey
		Secret string `json:"write_key"`
	}
}

func openSite(t *testing.T) *sites {
	t.Helper()
	s := &sites{market: open(t, program.Options{}, 10)}
	s.ok(s.owner.Call(s.ctx, http.MethodPost, "/api/v1/brands/"+s.brand+"/write_keys", fields{"name": "Pans"}, &s.key))
	return s
}

// kinds says what of a message the log holds.
func (s sent) kind(t *testing.T) event.Type {
	t.Helper()
	names := map[string]event.Type{"Product List Viewed": event.Impression, "Product Clicked": event.ProductClick, "Product Viewed": event.ProductView, "view_item": event.ProductView,
		"Product Added": event.AddToCart, "Checkout Started": event.BeginCheckout, "Order Completed": event.Purchase, "Order Refunded": event.Refund, "Wishlist Opened": event.Custom,
		"page": event.Page, "identify": event.Identify, "group": event.Group, "alias": event.Alias, "screen": event.Screen}
	name := s.Type
	if name == "track" {
		name = s.Event
	}
	kind, ok := names[name]
	if !ok {
		t.Fatalf("an SDK sent %+v", s)
	}
	return kind
}

// found stops the program and looks for every message in its log: each once, as what it is, and
// nothing else under the write key.
func (s *sites) found(told []sent, agent event.Agent) {
	s.t.Helper()
	if exit := s.program.Stop(); exit != 0 {
		s.t.Fatalf("it stopped with %d", exit)
	}
	logged := map[string][]event.Event{}
	for _, e := range eventsIn(s.t, s.program.Data) {
		if e.Namespace == s.key.ID {
			logged[e.ID.String()] = append(logged[e.ID.String()], e)
		}
	}
	for _, m := range told {
		bound := event.Message{ID: m.ID}
		bound.Bind(s.key.ID, id.Brand(s.brand), "", netip.Addr{}, false)
		got := logged[bound.Event.ID.String()]
		delete(logged, bound.Event.ID.String())
		if len(got) != 1 {
			s.t.Errorf("%s %q is in the log %d times", m.Type, m.Event, len(got))
			continue
		}
		e, kind := got[0], m.kind(s.t)
		if e.Type != kind || string(e.Brand) != s.brand || e.Viewer != "" || e.Anonymous == [16]byte{} || e.Agent != agent && e.Agent != event.AgentProgram {
			s.t.Errorf("%s %q is in the log as %+v", m.Type, m.Event, e)
		}
		if of := m.Type == "track"; of != (string(e.Product) == s.product.ID) {
			s.t.Errorf("%s %q is about product %q", m.Type, m.Event, e.Product)
		}
		if want := kind != event.Purchase && kind != event.Refund; e.Flags.Counted() != want {
			s.t.Errorf("%s %q has flags %b", m.Type, m.Event, e.Flags)
		}
		if kind == event.Custom && e.Name != event.NameOf(s.key.ID, m.Event) {
			s.t.Errorf("%q is kept under another name", m.Event)
		}
	}
	for u, left := range logged {
		s.t.Errorf("in the log and not sent: %s %+v", u, left)
	}
	s.t.Logf("%d events, each found once", len(told))
}

// Node's SDKs, as they come from their makers, tell a running Mezzo over a hundred events each.
func TestNodeSDKs(t *testing.T) {
	modules := sdks(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("the SDKs are installed and there is no node to run them")
	}
	for _, script := range []string{"segment-node.cjs", "rudder-node.cjs"} {
		t.Run(script, func(t *testing.T) {
			s := openSite(t)
			run := exec.CommandContext(t.Context(), node, filepath.Join("sdk", script))
			run.Env = append(os.Environ(), "NODE_PATH="+modules, "MEZZO="+s.program.URL, "WRITE_KEY="+s.key.Secret)
			var errs strings.Builder
			run.Stderr = &errs
			out, err := run.Output()
			var said struct {
				Sent   []sent
				Failed []string
			}
			if err != nil || json.Unmarshal(out, &said) != nil || len(said.Failed) > 0 || len(said.Sent) != 124 {
				t.Fatalf("%v: %d sent, failed %v\n%.2000s\n%.2000s", err, len(said.Sent), said.Failed, out, errs.String())
			}
			s.found(said.Sent, event.AgentPhone)
		})
	}
}

// A page of another origin tells a visit with the browser SDK, message by message and in batches.
func TestBrowserSDK(t *testing.T) {
	modules := sdks(t)
	browser := chromium(t)
	for name, batching := range map[string]string{"message by message": "", "in batches": "yes"} {
		t.Run(name, func(t *testing.T) {
			s := openSite(t)
			mux := http.NewServeMux()
			mux.Handle("GET /sdk/", http.StripPrefix("/sdk/", http.FileServer(http.Dir(filepath.Join(modules, "@segment", "analytics-next", "dist", "umd")))))
			mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join("sdk", "page.html")) })
			mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
			site := httptest.NewServer(mux)
			defer site.Close()
			p := newPhone(t, browser, site.URL, "a visitor", true)
			query := url.Values{"host": {strings.TrimPrefix(s.program.URL, "http://")}, "key": {s.key.Secret}, "batching": {batching}}
			p.open("/?" + query.Encode())
			p.until("all is told", "window.told !== undefined")
			text := read[string](p, "window.told")
			var told []sent
			if err := json.Unmarshal([]byte(text), &told); err != nil || len(told) != 31 {
				t.Fatalf("the page told %s", text)
			}
			// A batch leaves a moment after its last event.
			s.eventually("all is on disk", func() (bool, error) { return s.accepted() >= len(told), nil })
			p.fine()
			s.found(told, event.AgentDesktop)
		})
	}
}

// accepted returns how many events the program has on disk, by its own count.
func (s *sites) accepted() int {
	s.t.Helper()
	a := ask(s.t, s.nobody, call{method: http.MethodGet, path: "/metrics"})
	for line := range strings.Lines(string(a.body)) {
		if figure, ok := strings.CutPrefix(line, `mezzo_events_told_total{verdict="accepted"} `); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(figure), 64)
			s.ok(err)
			return int(n)
		}
	}
	s.t.Fatal("the program does not say how many events it has accepted")
	return 0
}
