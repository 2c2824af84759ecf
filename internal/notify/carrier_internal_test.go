package notify

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

// A name may lead anywhere by the time the connection is made: what counts is where it leads then.
func TestNoConnectionIntoThisHouse(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer server.Close()
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for _, to := range []string{server.URL, named} {
		o := newCarrier(Public).send(t.Context(), to, http.Header{}, []byte("{}"))
		if !strings.Contains(o.why, "private network") || o.status != 0 {
			t.Errorf("%s: %+v", to, o)
		}
		if o := newCarrier(Local).send(t.Context(), to, http.Header{}, []byte("{}")); o.why != "" || o.status != 200 {
			t.Errorf("%s, local: %+v", to, o)
		}
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls reached it, want the 2 allowed", calls.Load())
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"https://shop.example/in?a=b", "https://10.0.0.1", "https://[::ffff:7f00:1]", "http://x", "https://0x7f.1/", "https://2130706433/", "https://127.1/"} {
		f.Add(s)
	}
	f.Add("https://shop.example/" + strings.Repeat("\x9a", 1900)) // longer once it is escaped
	c := newCarrier(Public)
	f.Fuzz(func(t *testing.T, text string) {
		stored, err := c.address(text)
		if err != nil {
			return
		}
		again, err := c.address(stored)
		if err != nil || again != stored {
			t.Errorf("%q became %q, then %q, %v", text, stored, again, err)
		}
		r, err := http.NewRequest(http.MethodPost, stored, nil)
		if err != nil || r.URL.Scheme != "https" || r.URL.User != nil {
			t.Errorf("%q: %v", stored, err)
			return
		}
		if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil && c.admit(a) != nil {
			t.Errorf("%q leads into a private network", stored)
		}
	})
}
