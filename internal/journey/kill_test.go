package journey

import (
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// What happens between two kills, at the least.
const (
	kills         = 20
	killsOfProof  = 100 // when MEZZO_PROOF asks for more
	eventsPerKill = 2000
	ordersPerKill = 20
	senders       = 4
	buyers        = 6
)

// promises is what the program has acknowledged, and must never lose or do twice.
type promises struct {
	mu     sync.Mutex
	events map[string]bool   // event ids answered with 200
	orders map[string]string // Idempotency-Key of a payment to its order
	unsure []attempt         // payments that got no answer
	viewer client.Client

	accepted, paid atomic.Int64
}

// attempt is a payment whose answer never came: repeating it under its key tells how it ended.
type attempt struct {
	key      string
	shopper  client.Client
	checkout client.Checkout
}

// The program is killed at twenty random moments amid traffic and started again: no acknowledged
// event or order is lost, none is there twice, and the books balance.
func TestKilledAmidTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("twenty kills take minutes")
	}
	engines(t, func(t *testing.T, o program.Options) {
		m := open(t, o, 1_000_000)
		m.post()
		p := &promises{events: map[string]bool{}, orders: map[string]string{}}
		p.viewer = must(m.nobody.NewViewer(m.ctx))(t)
		item := m.seen(p.viewer)
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 1))
		rounds := kills
		if os.Getenv("MEZZO_PROOF") != "" {
			rounds = killsOfProof
		}
		for n := range rounds {
			m.round(p, item, random)
			if t.Failed() {
				t.Fatalf("after kill %d", n+1)
			}
		}
		m.settle(p)
		m.balanced()
		if code := m.program.Stop(); code != 0 {
			t.Fatalf("stopping ended with %d", code)
		}
		m.kept(p, o)
	})
}

// round runs traffic until enough was acknowledged and a random moment more has passed, kills the
// program and starts it again.
func (m *market) round(p *promises, item client.FeedItem, random *rand.Rand) {
	m.t.Helper()
	ctx, cancel := context.WithCancel(m.ctx)
	p.accepted.Store(0)
	p.paid.Store(0)
	var busy sync.WaitGroup
	for range senders {
		busy.Go(func() { p.send(ctx, item) })
	}
	for range buyers {
		busy.Go(func() { p.buy(ctx, m) })
	}
	m.eventually("enough is acknowledged", func() (bool, error) {
		return p.accepted.Load() >= eventsPerKill && p.paid.Load() >= ordersPerKill, nil
	})
	<-time.After(time.Duration(random.Int64N(int64(50 * time.Millisecond))))
	m.program.Kill()
	cancel()
	busy.Wait()
	m.program.Restart()
}

// send sends batches of events until the program goes away.
func (p *promises) send(ctx context.Context, item client.FeedItem) {
	for ctx.Err() == nil {
		batch := make([]client.Event, 50)
		for i := range batch {
			batch[i] = client.NewEvent("watch", item.Impression, "", time.Now())
			batch[i].WatchMS = 100
		}
		got, err := p.viewer.SendEvents(ctx, batch...)
		if err != nil || len(got.Rejected) > 0 {
			return
		}
		p.mu.Lock()
		for _, e := range batch {
			p.events[e.ID] = true
		}
		p.mu.Unlock()
		if p.accepted.Add(int64(got.Accepted)) > 2*eventsPerKill {
			<-time.After(100 * time.Millisecond) // leave the machine to the buyers; the traffic goes on
		}
	}
}

// buy buys until the program goes away, and remembers payments that got no answer.
func (p *promises) buy(ctx context.Context, m *market) {
	for ctx.Err() == nil {
		c, err := checkout(ctx, p.viewer, m.product.Variants[0].ID, "")
		if err != nil {
			return
		}
		a := attempt{key: uuid.NewString(), shopper: p.viewer, checkout: c}
		paid, err := p.viewer.PayKey(ctx, a.key, c, "pm_card_visa")
		p.mu.Lock()
		if err == nil {
			p.orders[a.key] = paid.Order.ID
			p.paid.Add(1)
		} else {
			p.unsure = append(p.unsure, a)
		}
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// settle repeats every payment that got no answer under its key: each ends as one order.
func (m *market) settle(p *promises) {
	m.t.Helper()
	for _, a := range p.unsure {
		m.eventually("a repeated payment is answered", func() (bool, error) {
			paid, err := a.shopper.PayKey(m.ctx, a.key, a.checkout, "pm_card_visa")
			if err == nil {
				p.orders[a.key] = paid.Order.ID
			}
			if problem, ok := err.(*client.Problem); ok && (problem.Status == http.StatusConflict || problem.Status == http.StatusServiceUnavailable) {
				return problem.Of("checkout_over"), nil
			}
			return err == nil, err
		})
	}
	orders := map[string]bool{}
	for key, id := range p.orders {
		if orders[id] {
			m.t.Errorf("two payments ended in order %s, one of them under %s", id, key)
		}
		orders[id] = true
		if got, err := p.viewer.GetOrder(m.ctx, id); err != nil || got.State != "paid" {
			m.t.Errorf("the paid order %s is %q: %v", id, got.State, err)
		}
	}
	m.t.Logf("%d acknowledged events, %d paid orders, %d payments without an answer", len(p.events), len(p.orders), len(p.unsure))
}

// kept reads the stopped program's log: every acknowledged event is in it, and none is there twice.
func (m *market) kept(p *promises, o program.Options) {
	m.t.Helper()
	args := []string{"check", "--data", m.program.Data}
	if o.Database != "" {
		args = append(args, "--database", o.Database)
	}
	out, code := program.Run(m.t, args...)
	if code != 0 {
		m.t.Fatalf("mezzo check ended with %d:\n%s", code, out)
	}
	counts := logged(m.t, m.program.Data)
	lost, twice := 0, 0
	for id := range p.events {
		switch counts[id] {
		case 0:
			lost++
		case 1:
		default:
			twice++
		}
	}
	if lost > 0 || twice > 0 {
		m.t.Errorf("of %d acknowledged events %d were lost and %d are there twice", len(p.events), lost, twice)
	}
	if !strings.Contains(out, "Everything holds") {
		m.t.Errorf("mezzo check said:\n%s", out)
	}
}
