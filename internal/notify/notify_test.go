package notify_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/notify"
)

// got is one message as a receiver saw it.
type got struct {
	id, stamp, signature string
	body                 string
}

// receiver is a brand's server; answer says what it answers.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []got
	answer func(n int, w http.ResponseWriter, r *http.Request) // n counts from 1; nil: 204
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.got = append(r.got, got{q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp"), q.Header.Get("webhook-signature"), string(body)})
		n, answer := len(r.got), r.answer
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(n, w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answers(f func(n int, w http.ResponseWriter, q *http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

func (r *receiver) all() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// proves says whether the message was signed with the secret, by the words of Standard Webhooks alone.
func (g got) proves(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", g.id, g.stamp, g.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(g.signature), want)
}

type world struct {
	t     *testing.T
	d     *db.DB
	clock *clock.Turned
	n     *notify.Notify
	brand id.Brand
	who   account.Asker
	facts *numbered
	made  int64 // facts
}

func newWorld(t *testing.T, d *db.DB, c *clock.Turned, mode notify.Mode) *world {
	brand := id.Brand("").Next(c.Now())
	return &world{t: t, d: d, clock: c, n: notify.New(d, notify.Options{Mode: mode}), brand: brand, facts: &numbered{},
		who: account.Asker{Account: id.Account("").Next(c.Now()), Brands: map[id.Brand]account.Role{brand: account.Owner}}}
}

func (w *world) hook(url string, events ...string) notify.Webhook {
	w.t.Helper()
	h, err := w.n.Create(w.t.Context(), w.who, w.brand, url, events)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// numbered is a sink in memory: facts are numbered while it listens.
type numbered struct {
	mu   sync.Mutex
	last int64
}

func (s *numbered) LastRelay(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, nil
}

func (s *numbered) AppendRelay(_ context.Context, facts []db.Fact) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = facts[len(facts)-1].Seq
	return nil
}

// happen commits facts and waits until the relay has numbered them.
func (w *world) happen(bodies ...event.Body) {
	w.t.Helper()
	for _, b := range bodies {
		if err := w.d.Write(w.t.Context(), func(tx *db.Tx) error { return event.Emit(tx, b) }); err != nil {
			w.t.Fatal(err)
		}
	}
	w.made += int64(len(bodies))
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- w.d.RunRelay(ctx, "test", w.facts) }()
	for {
		if last, _ := w.facts.LastRelay(ctx); last == w.made {
			cancel()
			if err := <-ended; err != nil {
				w.t.Fatal(err)
			}
			return
		}
		if clock.Rest(ctx, nil, time.Millisecond) != nil {
			w.t.Fatal("the relay did not number the facts")
		}
	}
}

func (w *world) send() int {
	w.t.Helper()
	made, err := w.n.SendDue(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

func (w *world) sale(brands ...id.Brand) event.OrderPaid {
	b := event.OrderPaid{Order: id.Order("").Next(w.clock.Now()), Viewer: id.Viewer("").Next(w.clock.Now()), Currency: "EUR", Total: money.Of(99999, "EUR"), PlacedAt: w.clock.Now()}
	for i, brand := range brands {
		b.Lines = append(b.Lines, event.SaleLine{Line: id.Line("").Next(w.clock.Now()), Brand: brand, Quantity: 1, GMV: int64(1000 + i), Creator: id.Creator("").Next(w.clock.Now()), Commission: 150, Rate: 1500})
	}
	return b
}

func TestABrandIsToldOfItsOwnAndNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		other := id.Brand("").Next(c.Now())
		w.happen(w.sale(w.brand)) // before anybody wants to hear of it
		w.send()
		h := w.hook(r.URL+"/in?shop=1", event.TopicOrderPaid)
		sale := w.sale(w.brand, other, w.brand)
		w.happen(sale, event.OrderShipped{Order: sale.Order, Brand: w.brand}, w.sale(other))
		if n := w.send(); n != 1 {
			t.Fatalf("%d attempts, want 1", n)
		}
		if w.send() != 0 || len(r.all()) != 1 {
			t.Fatalf("it was sent %d times", len(r.all()))
		}
		m := r.all()[0]
		if !m.proves(h.Secret) {
			t.Errorf("the signature %q does not prove the message", m.signature)
		}
		var body struct {
			Type      string
			Timestamp time.Time
			Data      struct {
				Order id.Order `json:"order_id"`
				Lines []struct {
					Line id.Line `json:"line_id"`
					GMV  money.Amount
				}
			}
		}
		if err := json.Unmarshal([]byte(m.body), &body); err != nil {
			t.Fatal(err)
		}
		if body.Type != "order.paid" || body.Data.Order != sale.Order || len(body.Data.Lines) != 2 || body.Data.Lines[1].Line != sale.Lines[2].Line || !body.Timestamp.Equal(c.Now()) {
			t.Errorf("it says %s", m.body)
		}
		for _, hidden := range []string{string(other), string(sale.Viewer), "99999", string(sale.Lines[1].Line)} {
			if strings.Contains(m.body, hidden) {
				t.Errorf("it tells %s: %s", hidden, m.body)
			}
		}
		list, err := w.n.Deliveries(t.Context(), w.who, w.brand, h.ID, "", "", 10)
		if err != nil || len(list) != 1 || list[0].State != "delivered" || list[0].Status != 204 || string(list[0].Message) != m.id {
			t.Errorf("the history is %+v, %v", list, err)
		}
	})
}

// A part of a payout that came back is told to the brand whose payout it is, and to nobody where it is a creator's.
func TestAPartOfAPayoutThatCameBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		w.hook(r.URL, event.TopicPayoutUpdated)
		pot, part, back := id.Payout("").Next(c.Now()), money.Of(500, "USD"), money.Of(1500, "USD")
		state := event.PayoutState{Payout: pot, Brand: w.brand, Amount: money.Of(3000, "USD"), Withheld: money.Of(0, "USD")}
		w.happen(event.PayoutUpdated{PayoutState: state, Part: part, Back: back},
			event.PayoutUpdated{PayoutState: event.PayoutState{Payout: pot.Next(c.Now()), Creator: id.Creator("").Next(c.Now())}, Part: part, Back: back})
		if w.send() != 1 || len(r.all()) != 1 {
			t.Fatalf("it was sent %d times", len(r.all()))
		}
		var body struct {
			Type string
			Data event.PayoutUpdated
		}
		if err := json.Unmarshal([]byte(r.all()[0].body), &body); err != nil || body.Type != "payout.updated" || body.Data != (event.PayoutUpdated{PayoutState: state, Part: part, Back: back}) {
			t.Errorf("it says %s: %v", r.all()[0].body, err)
		}
	})
}

func TestAFailingReceiverIsTriedForThreeDaysThenDisabled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		r.answers(func(_ int, rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) })
		h := w.hook(r.URL)
		w.happen(w.sale(w.brand))
		begun := c.Now()
		for c.Now().Sub(begun) < 80*time.Hour {
			w.send()
			c.Advance(time.Minute)
			if s, _ := w.n.Webhook(t.Context(), w.who, w.brand, h.ID); s.State == notify.Disabled {
				break
			}
		}
		tried := r.all()
		if n := len(tried); n < 12 || n > 25 {
			t.Errorf("%d attempts in three days", n)
		}
		for _, m := range tried {
			if m.id != tried[0].id || m.body != tried[0].body || !m.proves(h.Secret) {
				t.Fatalf("an attempt differs: %+v", m)
			}
		}
		if d := c.Now().Sub(begun); d < 60*time.Hour || d > notify.GiveUpAfter+time.Hour {
			t.Errorf("it was given up after %v", d)
		}
		now, err := w.n.Webhook(t.Context(), w.who, w.brand, h.ID)
		if err != nil || now.State != notify.Disabled || !strings.Contains(now.Reason, "500") {
			t.Fatalf("the webhook stands %+v, %v", now, err)
		}
		if n, err := w.n.Troubled(t.Context(), w.who, w.brand); n != 1 || err != nil {
			t.Errorf("%d troubled, %v", n, err)
		}
		missed := w.sale(w.brand)
		w.happen(missed)
		if w.send() != 0 {
			t.Error("a disabled webhook was sent to")
		}
		_, err = w.n.Replay(t.Context(), w.who, w.brand, h.ID, begun)
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("replayed while disabled: %v", err)
		}
		r.answers(nil)
		active := notify.Active
		if _, err = w.n.Update(t.Context(), w.who, w.brand, h.ID, 0, notify.Change{State: &active}); err != nil {
			t.Fatal(err)
		}
		if w.send() != 0 {
			t.Error("what was missed went out unasked")
		}
		if n, err := w.n.Replay(t.Context(), w.who, w.brand, h.ID, begun); n != 2 || err != nil {
			t.Errorf("%d replayed, %v", n, err)
		}
		w.send()
		all := r.all()[len(tried):]
		if len(all) != 2 || all[0].id != tried[0].id || !strings.Contains(all[1].body, string(missed.Order)) {
			t.Errorf("replayed were %+v", all)
		}
	})
}

func TestAnAnswerDecidesWhatFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		h := w.hook(r.URL)
		r.answers(func(n int, rw http.ResponseWriter, q *http.Request) {
			if n == 1 {
				rw.Header().Set("Retry-After", "600")
				rw.WriteHeader(429)
				return
			}
			http.Redirect(rw, q, "/elsewhere", http.StatusTemporaryRedirect)
		})
		w.happen(w.sale(w.brand))
		w.send()
		c.Advance(9 * time.Minute)
		if w.send() != 0 {
			t.Error("it was tried before the pause it asked for")
		}
		c.Advance(2 * time.Minute)
		if w.send() != 1 || len(r.all()) != 2 {
			t.Fatalf("%d calls, want 2: a redirect is not followed", len(r.all()))
		}
		list, err := w.n.Deliveries(t.Context(), w.who, w.brand, h.ID, "waiting", "", 10)
		if err != nil || len(list) != 1 || !strings.Contains(list[0].Error, "redirect") || list[0].Attempts != 2 {
			t.Errorf("the history is %+v, %v", list, err)
		}
		r.answers(func(_ int, rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(410) })
		c.Advance(time.Hour)
		w.send()
		if s, err := w.n.Webhook(t.Context(), w.who, w.brand, h.ID); err != nil || s.State != notify.Disabled {
			t.Errorf("after 410 it is %s, %v", s.State, err)
		}
	})
}

func TestBothSecretsSignForADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		old := w.hook(r.URL)
		turned, err := w.n.Turn(t.Context(), w.who, w.brand, old.ID)
		if err != nil || turned.Secret == old.Secret {
			t.Fatalf("%+v, %v", turned, err)
		}
		w.happen(w.sale(w.brand))
		w.send()
		c.Advance(notify.SecretLife)
		w.happen(w.sale(w.brand))
		w.send()
		m := r.all()
		if len(m) != 2 || !m[0].proves(old.Secret) || !m[0].proves(turned.Secret) || m[1].proves(old.Secret) || !m[1].proves(turned.Secret) {
			t.Errorf("signed %+v", m)
		}
	})
}

// A process that dies while it sends has lost nothing and told nothing twice under another id.
func TestASenderThatDies(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		h := w.hook(r.URL)
		w.happen(w.sale(w.brand))
		ctx, kill := context.WithCancel(t.Context())
		r.answers(func(n int, _ http.ResponseWriter, q *http.Request) {
			kill()
			<-q.Context().Done()
		})
		_, _ = w.n.SendDue(ctx)
		r.answers(nil)
		if w.send() != 0 {
			t.Error("it was tried again at once")
		}
		c.Advance(10 * time.Second)
		if w.send() != 1 {
			t.Error("it was lost")
		}
		m := r.all()
		if len(m) != 2 || m[0].id != m[1].id || !m[1].proves(h.Secret) {
			t.Errorf("%+v", m)
		}
	})
}

// Two processes that tell facts on at once make each message once.
func TestTwoThatSpread(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w := newWorld(t, d, c, notify.Local)
		h := w.hook("http://127.0.0.1:1/")
		var sales []event.Body
		for range 300 {
			sales = append(sales, event.OrderShipped{Order: id.Order("").Next(c.Now()), Brand: w.brand})
		}
		w.happen(sales...)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				for range 6 {
					if _, err := w.n.Spread(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		seen := map[string]int{}
		var after id.Message
		for {
			list, err := w.n.Deliveries(t.Context(), w.who, w.brand, h.ID, "", after, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				var body struct {
					Data struct {
						Order string `json:"order"`
					}
				}
				if err := json.Unmarshal(m.Body, &body); err != nil {
					t.Fatal(err)
				}
				seen[body.Data.Order]++
				after = m.Message
			}
			if len(list) < 100 {
				break
			}
		}
		if len(seen) != 300 {
			t.Errorf("%d orders told of, want 300", len(seen))
		}
		for o, n := range seen {
			if n != 1 {
				t.Errorf("%s was told %d times", o, n)
			}
		}
	})
}

// One receiver that hangs keeps nobody else waiting.
func TestAHangingReceiver(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w, slow, quick := newWorld(t, d, c, notify.Local), newReceiver(t), newReceiver(t)
	free := make(chan struct{})
	defer close(free)
	slow.answers(func(int, http.ResponseWriter, *http.Request) { <-free })
	w.hook(slow.URL)
	w.hook(quick.URL)
	var sales []event.Body
	for range 40 {
		sales = append(sales, w.sale(w.brand))
	}
	w.happen(sales...)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	go func() { _ = w.n.Run(ctx) }()
	for len(quick.all()) < 40 {
		if clock.Rest(ctx, nil, 5*time.Millisecond) != nil {
			t.Fatalf("%d of 40 arrived", len(quick.all()))
		}
	}
	if n := len(slow.all()); n > 4 {
		t.Errorf("%d attempts at once at one receiver", n)
	}
}

func TestAddresses(t *testing.T) {
	d, c := dbtest.SQLite(t)
	open, here := newWorld(t, d, c, notify.Public), newWorld(t, d, c, notify.Local)
	for url, fine := range map[string]bool{
		"https://shop.example/in": true, "https://8.8.8.8/in": true, "https://[2606:4700::1111]:8443/": true, "https://SHOP.example": true,
		"http://shop.example/in": false, "https://localhost/": false, "https://a.localhost/": false, "https://intern/": false, "https://127.0.0.1/": false, "https://10.1.2.3/": false,
		"https://[::1]/": false, "https://[::ffff:10.0.0.1]/": false, "https://[fd00::1]/": false, "https://169.254.169.254/latest": false, "https://100.100.1.1/": false,
		"https://[64:ff9b::a00:1]/": false, "https://[2002:a00:1::]/": false, "https://0.0.0.0/": false, "https://localhost./": false, "https://shop.example:99999/": false,
		"https://u:p@shop.example/": false, "https://shop.example/#x": false, "ftp://shop.example/": false, "shop.example": false, "": false, "https://": false,
		"https://shop.example/" + strings.Repeat("a", notify.MaxURL): false, "https://%zz/": false, "javascript:alert(1)": false,
	} {
		_, err := open.n.Create(t.Context(), open.who, open.brand, url, nil)
		if fine != (err == nil) || !fine && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
	for _, url := range []string{"http://127.0.0.1:99/", "http://localhost/x"} {
		if _, err := here.n.Create(t.Context(), here.who, here.brand, url, nil); err != nil {
			t.Errorf("%q: %v", url, err)
		}
	}
	if _, err := here.n.Create(t.Context(), here.who, here.brand, "http://localhost/x", []string{"order.paid", "order.eaten"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("an unknown event: %v", err)
	}
	off := notify.New(d, notify.Options{})
	if _, err := off.Create(t.Context(), here.who, here.brand, "https://shop.example/", nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("switched off: %v", err)
	}
}

func TestOnlyTheBrandsOwn(t *testing.T) {
	d, c := dbtest.SQLite(t)
	w := newWorld(t, d, c, notify.Local)
	h := w.hook("http://127.0.0.1:1/")
	rival, token := newWorld(t, d, c, notify.Local), w.who
	token.Scopes = account.Scopes{account.OrdersRead: true}
	for name, try := range map[string]struct {
		who  account.Asker
		kind fault.Kind
	}{"rival": {rival.who, fault.Missing}, "nobody": {account.Asker{}, fault.Unauthorized}, "narrow token": {token, fault.Forbidden}} {
		ctx, n := t.Context(), w.n
		_, created := n.Create(ctx, try.who, w.brand, "https://shop.example", nil)
		_, listed := n.List(ctx, try.who, w.brand)
		_, read := n.Webhook(ctx, try.who, w.brand, h.ID)
		_, changed := n.Update(ctx, try.who, w.brand, h.ID, 0, notify.Change{})
		_, turned := n.Turn(ctx, try.who, w.brand, h.ID)
		_, history := n.Deliveries(ctx, try.who, w.brand, h.ID, "", "", 5)
		_, replayed := n.Replay(ctx, try.who, w.brand, h.ID, time.Time{})
		_, again := n.Again(ctx, try.who, w.brand, h.ID, "msg_1")
		_, tested := n.Test(ctx, try.who, w.brand, h.ID)
		_, troubled := n.Troubled(ctx, try.who, w.brand)
		for what, err := range map[string]error{"create": created, "list": listed, "read": read, "change": changed, "turn": turned, "history": history, "replay": replayed,
			"again": again, "test": tested, "troubled": troubled, "delete": n.Delete(ctx, try.who, w.brand, h.ID)} {
			if !fault.Is(err, try.kind) {
				t.Errorf("%s may %s: %v", name, what, err)
			}
		}
	}
	if _, err := w.n.Webhook(t.Context(), rival.who, rival.brand, h.ID); !fault.Is(err, fault.Missing) {
		t.Errorf("another brand's id opens it: %v", err)
	}
	for range notify.MaxWebhooks - 1 {
		w.hook("http://127.0.0.1:1/")
	}
	if _, err := w.n.Create(t.Context(), w.who, w.brand, "http://127.0.0.1:1/", nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("one too many: %v", err)
	}
	if err := w.n.Delete(t.Context(), w.who, w.brand, h.ID); err != nil {
		t.Error(err)
	}
	if _, err := w.n.Update(t.Context(), w.who, w.brand, h.ID, 0, notify.Change{}); !fault.Is(err, fault.Missing) {
		t.Errorf("a deleted one: %v", err)
	}
}

func TestOldMessagesAreForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		w, r := newWorld(t, d, c, notify.Local), newReceiver(t)
		h := w.hook(r.URL)
		m, err := w.n.Test(t.Context(), w.who, w.brand, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		w.send()
		c.Advance(notify.Keep - time.Hour)
		if _, err := w.n.Again(t.Context(), w.who, w.brand, h.ID, m.Message); err != nil {
			t.Error(err)
		}
		if w.send() != 1 || len(r.all()) != 2 || r.all()[1].body != string(m.Body) {
			t.Errorf("received %+v", r.all())
		}
		c.Advance(2 * time.Hour)
		if err := w.n.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if list, err := w.n.Deliveries(t.Context(), w.who, w.brand, h.ID, "", "", 5); len(list) != 0 || err != nil {
			t.Errorf("kept %+v, %v", list, err)
		}
		if _, err := w.n.Again(t.Context(), w.who, w.brand, h.ID, m.Message); !fault.Is(err, fault.Missing) {
			t.Errorf("again: %v", err)
		}
	})
}
