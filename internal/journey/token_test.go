package journey

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// receipt is who an order line is owed to, as the operator sees it.
type receipt struct {
	Outcome string
	Because string
	Touches []struct {
		Kind string
		Won  bool
	}
}

// settled waits until the order's one line is decided and returns its receipt.
func (m *market) settled(order string) receipt {
	m.t.Helper()
	var out struct{ Items []receipt }
	m.eventually("the sale is decided", func() (bool, error) {
		err := m.operator.Call(m.ctx, http.MethodGet, "/api/v1/orders/"+order+"/attribution", nil, &out)
		return len(out.Items) == 1 && out.Items[0].Outcome != "waiting", err
	})
	return out.Items[0]
}

// shown returns a token of the video for a shopper.
func (m *market) shown(shopper client.Client) string {
	m.t.Helper()
	var v struct{ Impression string }
	m.ok(shopper.Call(m.ctx, http.MethodGet, "/api/v1/videos/"+m.video, nil, &v))
	if v.Impression == "" {
		m.t.Fatal("the video came without a token")
	}
	return v.Impression
}

// spoil changes one character in the middle of a token.
func spoil(token string) string {
	i := len(token) / 2
	other := "A"
	if token[i] == 'A' {
		other = "B"
	}
	return token[:i] + other + token[i+1:]
}

// A token that was not made here, is another viewer's, or is too old is taken without a word and earns
// nobody anything; a true one earns, and one only, however many events it is sent with.
func TestOnlyTrueTokensEarn(t *testing.T) {
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 100)
		m.post()
		fresh := func() client.Client { return must(m.nobody.NewViewer(m.ctx))(t) }
		lender, old := fresh(), fresh()
		aged := m.shown(old)
		m.ok(m.operator.Turn(m.ctx, 24*3600+60))
		for _, c := range []struct {
			name    string
			shopper client.Client
			token   func(client.Client) string
			outcome string
			earned  int64
		}{
			{"a true token", fresh(), m.shown, "creator", 300},
			{"a forged token", fresh(), func(c client.Client) string { return spoil(m.shown(c)) }, "none", 0},
			{"a borrowed token", fresh(), func(client.Client) string { return m.shown(lender) }, "none", 0},
			{"an expired token", old, func(client.Client) string { return aged }, "none", 0},
			{"a viewer's token in its place", fresh(), func(c client.Client) string { return c.Viewer }, "none", 0},
		} {
			token := c.token(c.shopper)
			m.tap(c.shopper, client.FeedItem{Impression: token})
			paid := must(buy(m.ctx, c.shopper, m.product.Variants[0].ID, token))(t)
			if r := m.settled(paid.Order.ID); r.Outcome != c.outcome || (c.earned == 0) != (len(r.Touches) == 0) {
				t.Errorf("%s: %+v", c.name, r)
			}
			m.earned += c.earned
			m.earns(client.Earnings{Pending: client.Money{Amount: m.earned, Currency: "USD"}})
		}
		m.manyEvents(fresh())
		m.balanced()
		m.quiet()
	})
}

// manyEvents sends one token with a thousand fresh event ids, and puts it into the cart again and
// again: it is one touch of each kind and one commission.
func (m *market) manyEvents(shopper client.Client) {
	m.t.Helper()
	token := m.shown(shopper)
	for range 10 {
		batch := make([]client.Event, 100)
		for i := range batch {
			batch[i] = client.NewEvent("product_click", token, m.product.ID, time.Now())
		}
		got := must(shopper.SendEvents(m.ctx, batch...))(m.t)
		if got.Accepted+got.Duplicates != 100 || len(got.Rejected) > 0 {
			m.t.Errorf("a batch: %+v", got)
		}
	}
	cart := must(shopper.NewCart(m.ctx))(m.t)
	for range 3 {
		m.ok(shopper.Put(m.ctx, cart, m.product.Variants[0].ID, 1, token))
	}
	paid := must(shopper.Pay(m.ctx, must(shopper.CheckOut(m.ctx, cart, "ada@example.com", home))(m.t), "pm_card_visa"))(m.t)
	r := m.settled(paid.Order.ID)
	kinds := map[string]int{}
	for _, touch := range r.Touches {
		kinds[touch.Kind]++
	}
	if r.Outcome != "creator" || kinds["click"] != 1 || kinds["cart"] != 1 || len(kinds) != 2 {
		m.t.Errorf("a thousand clicks by one token are %v on the receipt, which says %s", kinds, r.Outcome)
	}
	m.earned += 899 // 15 % of three times 19.99 is 8.9955; the two cents left over go to the fee's .82 and the brand's .63
	m.earns(client.Earnings{Pending: client.Money{Amount: m.earned, Currency: "USD"}})
}

// A guest's order opens to its own token and to nothing that looks like one.
func TestOrderTokensOpenTheirOrderAlone(t *testing.T) {
	m := open(t, program.Options{}, 10)
	first, second := must(m.nobody.NewViewer(m.ctx))(t), must(m.nobody.NewViewer(m.ctx))(t)
	mine, theirs := must(buy(m.ctx, first, m.product.Variants[0].ID, ""))(t), must(buy(m.ctx, second, m.product.Variants[0].ID, ""))(t)
	for name, token := range map[string]string{
		"another order's":  theirs.OrderToken,
		"a forged one":     spoil(mine.OrderToken),
		"one with a tail":  mine.OrderToken + "A",
		"another's, moved": mine.Order.ID + theirs.OrderToken[strings.IndexByte(theirs.OrderToken, '.'):],
		"a viewer's":       second.Viewer,
		"the order's id":   mine.Order.ID,
		"an API token":     m.owner.Token,
		"nothing":          "",
	} {
		for _, path := range []string{"", "/attribution"} {
			guest := m.nobody
			guest.Order = token
			m.refused(http.StatusNotFound, guest.Call(m.ctx, http.MethodGet, "/api/v1/orders/"+mine.Order.ID+path, nil, nil))
			guest.Order = ""
			m.refused(http.StatusNotFound, guest.Call(m.ctx, http.MethodGet, "/api/v1/orders/"+mine.Order.ID+path+"?token="+token, nil, nil))
		}
		other := second // their own viewer, who bought something else
		other.Order = token
		m.refused(http.StatusNotFound, other.Call(m.ctx, http.MethodPost, "/api/v1/orders/"+mine.Order.ID+"/cancel", nil, nil))
		if t.Failed() {
			t.Fatalf("with %s", name)
		}
	}
	guest := m.nobody
	guest.Order = mine.OrderToken
	if got := must(guest.GetOrder(m.ctx, mine.Order.ID))(t); got.ID != mine.Order.ID {
		t.Errorf("its own token opens %+v", got)
	}
	elsewhere := must(m.nobody.NewViewer(m.ctx))(t) // the guest on another device
	elsewhere.Order = mine.OrderToken
	m.ok(elsewhere.Call(m.ctx, http.MethodPost, "/api/v1/orders/"+mine.Order.ID+"/cancel", nil, nil))
	if got := must(elsewhere.GetOrder(m.ctx, mine.Order.ID))(t); got.State != "cancelled" {
		t.Errorf("cancelled by its own token, the order is %s", got.State)
	}
}

// A viewer's token that was not made here is told so, and a session that is over opens nothing.
func TestSessionsAndViewersEnd(t *testing.T) {
	m := open(t, program.Options{}, 1)
	shopper := must(m.nobody.NewViewer(m.ctx))(t)
	cart := must(shopper.NewCart(m.ctx))(t)
	for _, token := range []string{spoil(shopper.Viewer), shopper.Viewer + "x", "x", m.owner.Token} {
		c := m.nobody
		c.Viewer = token
		m.refused(http.StatusUnauthorized, c.Call(m.ctx, http.MethodGet, "/api/v1/carts/"+cart, nil, nil))
	}
	a := ask(t, m.nobody, call{method: http.MethodGet, path: "/api/v1/carts/" + cart, header: map[string]string{"Cookie": "mezzo_viewer=" + spoil(shopper.Viewer)}})
	if a.status != http.StatusNotFound {
		t.Errorf("a cart opens to a forged cookie: %d %s", a.status, a.body)
	}
	m.ok(m.creator.Call(m.ctx, http.MethodDelete, "/api/v1/sessions/current", nil, nil))
	m.refused(http.StatusUnauthorized, m.creator.Call(m.ctx, http.MethodGet, "/api/v1/me", nil, nil))
	m.ok(m.owner.Call(m.ctx, http.MethodGet, "/api/v1/me", nil, nil))
	m.ok(m.operator.Turn(m.ctx, 400*24*3600))
	m.refused(http.StatusUnauthorized, m.owner.Call(m.ctx, http.MethodGet, "/api/v1/me", nil, nil))
	m.refused(http.StatusUnauthorized, m.operator.Turn(m.ctx, 1))
}
