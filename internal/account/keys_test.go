package account_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// node is one program that serves people, with its own copy of the keys.
type node struct {
	*account.Accounts
	t    *testing.T
	ring *id.Keyring
	d    *db.DB
}

func newNode(t *testing.T, d *db.DB) *node {
	t.Helper()
	ring, err := account.LoadKeys(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return &node{account.New(d, ring, account.Options{Passwords: account.Cheap}), t, ring, d}
}

// reads does what every node does each KeyRead.
func (n *node) reads() {
	n.t.Helper()
	if err := account.ReloadKeys(context.Background(), n.d, n.ring); err != nil {
		n.t.Fatal(err)
	}
}

// meets lets a browser with the cookie come by; cookie is what it keeps afterwards.
func (n *node) meets(cookie string) (who account.Asker, kept string) {
	n.t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: account.ViewerCookie, Value: cookie})
	}
	who, err := n.Meet(w, r, netip.MustParseAddr("192.0.2.1"), true)
	if err != nil {
		n.t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		if c.Name == account.ViewerCookie {
			cookie = c.Value
		}
	}
	return who, cookie
}

// due does what the schedule does now and then, and lets the notice pass.
func (n *node) due(c *clock.Turned) {
	n.t.Helper()
	if err := account.TurnDue(context.Background(), n.d); err != nil {
		n.t.Fatal(err)
	}
	n.reads()
	c.Advance(account.KeyNotice)
	n.reads()
}

func TestKeysTurnBySchedule(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		n := newNode(t, d)
		n.due(c)
		c.Advance(account.KeyTurn - 24*time.Hour - account.KeyNotice)
		n.due(c)
		viewer, cookie := n.meets("")
		away, awayCookie := n.meets("")
		shown := id.Impression{Surface: id.SurfaceHome, SubjectKind: id.SubjectVideo, Slot: 1}
		shown.Issued = c.Now().Add(24*time.Hour - account.KeyNotice) // a moment before the turn
		token := n.ring.SignImpression(viewer.Viewer, shown)
		c.Advance(24*time.Hour - account.KeyNotice)
		if _, same := n.meets(cookie); same != cookie {
			t.Fatal("the cookie was renewed before any turn")
		}
		n.due(c)
		back, renewed := n.meets(cookie)
		if back.Viewer != viewer.Viewer || back.Fresh || renewed == cookie {
			t.Errorf("after a turn the old cookie gives %+v; renewed: %v", back, renewed != cookie)
		}
		c.Advance(id.ImpressionLife - account.KeyNotice)
		if got, err := n.ring.OpenImpression(viewer.Viewer, token, c.Now()); err != nil || got.Slot != 1 {
			t.Errorf("an impression signed before the turn, at its last moment: %v", err)
		}

		// Who stays away until their cookie is old of itself finds it opening until then.
		c.Advance(account.ViewerLife - 48*time.Hour)
		n.due(c)
		if back, _ := n.meets(awayCookie); back.Viewer != away.Viewer {
			t.Error("a cookie ended before its time")
		}
		c.Advance(48 * time.Hour)
		n.due(c)
		if _, err := n.ring.OpenImpression(viewer.Viewer, token, c.Now()); err != id.ErrForged {
			t.Errorf("an impression of two turns ago: %v", err)
		}
		if back, _ := n.meets(awayCookie); back.Viewer == away.Viewer || !back.Fresh {
			t.Error("a cookie of two turns ago still opens")
		}
	})
}

// No node signs with a key before every other can read it, and one that signs is known to all.
func TestKeysAreAnnounced(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx, n, other := context.Background(), newNode(t, d), newNode(t, d)
		first := n.ring.Sign("x", "vwr_1")
		if err := account.TurnKeys(ctx, d, "command"); err != nil {
			t.Fatal(err)
		}
		if err := account.TurnKeys(ctx, d, "command"); !fault.Is(err, fault.Conflict) {
			t.Errorf("a turn amid a turn: %v", err)
		}
		n.reads()
		if n.ring.Sign("x", "vwr_1") != first {
			t.Error("a key signs before it was announced")
		}
		c.Advance(account.KeyRead)
		other.reads()
		c.Advance(account.KeyNotice - account.KeyRead)
		n.reads()
		second := n.ring.Sign("x", "vwr_1")
		if second == first {
			t.Fatal("the new key does not sign")
		}
		for _, token := range []string{first, second} { // other read of it and has not been told that it signs
			if _, err := other.ring.Open("x", token); err != nil {
				t.Errorf("on the other node: %v", err)
			}
		}
		other.reads()
		if other.ring.Sign("x", "vwr_1") != second {
			t.Error("the nodes sign differently")
		}
	})
}

func TestAppsAreHandedRenewedTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		n := newNode(t, d)
		viewer, token := n.MintViewer()
		ask := func() string {
			r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
			r.Header.Set(account.ViewerHeader, token)
			who, err := n.Meet(w, r, netip.MustParseAddr("192.0.2.1"), true)
			if err != nil || who.Viewer != viewer {
				t.Fatalf("%+v, %v", who, err)
			}
			return w.Header().Get(account.ViewerHeader)
		}
		if got := ask(); got != "" {
			t.Errorf("a fresh token was renewed: %s", got)
		}
		if err := account.TurnKeys(context.Background(), d, "command"); err != nil {
			t.Fatal(err)
		}
		c.Advance(account.KeyNotice)
		n.reads()
		renewed := ask()
		if v, err := n.OpenViewer(renewed); err != nil || v != viewer || renewed == token {
			t.Errorf("renewed to %q: %s, %v", renewed, v, err)
		}
	})
}

// An operator turns the keys, and cuts off whatever was signed before; others find nothing.
func TestOperatorTurnsKeys(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		_, secret := h.person("ada")
		if err := h.EnsureOperator(ctx, "boss@example.com", password); err != nil {
			t.Fatal(err)
		}
		in, err := h.SignIn(ctx, account.Asker{}, "boss@example.com", password)
		if err != nil {
			t.Fatal(err)
		}
		boss := h.who(in.Token)
		_, err = h.SigningKeys(ctx, h.who(secret))
		wantKind(t, err, fault.Missing)
		_, err = h.Accounts.TurnKeys(ctx, h.who(secret), true)
		wantKind(t, err, fault.Missing)

		viewer, token := h.MintViewer()
		keys, err := h.Accounts.TurnKeys(ctx, boss, false)
		if err != nil || len(keys) != 2 || keys[0].State != "coming" || keys[0].MadeBy != string(boss.Account) || keys[1].State != "signing" {
			t.Fatalf("turned: %+v, %v", keys, err)
		}
		if keys, err = h.Accounts.TurnKeys(ctx, boss, true); err != nil || len(keys) != 4 || keys[0].State != "signing" || keys[1].State != "opening" || keys[2].State != "over" {
			t.Fatalf("cut: %+v, %v", keys, err)
		}
		if v, err := h.OpenViewer(token); err == nil {
			t.Errorf("a token of before the cut opens as %s, was %s", v, viewer)
		}
		_, token = h.MintViewer()
		if _, err := h.OpenViewer(token); err != nil {
			t.Error(err)
		}
		h.who(secret) // who is signed in stays so
	})
}
