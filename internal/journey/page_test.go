package journey

import (
	"net/http"
	"testing"

	"mezzo/internal/program"
)

// A token has scopes, which the API's routes keep. The pages know none, so that a token which may read a
// catalogue would do there whatever its person may.
func TestTokensOpenNoPages(t *testing.T) {
	m := open(t, program.Options{}, 10)
	var made struct {
		Token string `json:"token"`
	}
	m.ok(m.operator.Call(m.ctx, http.MethodPost, "/api/v1/me/tokens", map[string]any{"name": "Feed", "scopes": []string{"catalog:read"}}, &made))
	token := m.nobody
	token.Token = made.Token
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for _, q := range []call{
		{method: http.MethodGet, path: "/operator/people"},
		{method: http.MethodGet, path: "/you"},
		{method: http.MethodPost, path: "/you", body: []byte("display_name=Somebody"), header: form},
		{method: http.MethodPost, path: "/operator/standing", body: []byte("kind=brand"), header: form},
	} {
		a, err := try(t, token, q)
		if err != nil || a.status != http.StatusForbidden {
			t.Errorf("%s %s by a token of catalog:read: %d %v", q.method, q.path, a.status, err)
		}
	}
	if a, err := try(t, m.operator, call{method: http.MethodGet, path: "/operator/people"}); err != nil || a.status != http.StatusOK {
		t.Errorf("the operator's own session: %d %v", a.status, err)
	}
}
