package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mezzo/internal/account"
)

// What the door costs one request, for each way of saying who asks.
func BenchmarkDoor(b *testing.B) {
	w := lite(b, func(_ *Deps, _ *account.Options, o *Options) { o.Log = nil })
	register(w.api, Route{Method: "GET", Path: "/test/nothing", Who: Viewer, Summary: "Do nothing"},
		func(_ context.Context, _ *None) (*None, error) { return nil, nil })
	guest := jar(w.do("POST", "/api/v1/viewers", "").cookies()[account.ViewerCookie])
	for name, header := range map[string][2]string{"stranger": {}, "guest": {"Cookie", guest}, "bearer": {"Authorization", w.signUp("ada@example.com")}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				r := httptest.NewRequest(http.MethodGet, "/api/v1/test/nothing", strings.NewReader(""))
				if header[0] != "" {
					r.Header.Set(header[0], header[1])
				}
				w.api.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
