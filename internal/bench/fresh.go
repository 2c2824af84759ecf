package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/client"
)

// Of the probes that measure how fresh numbers are.
const (
	probes     = 12                     // products that are looked at while everything else goes on
	probePause = 100 * time.Millisecond // between two taps on one, at most
	probeLook  = 2 * time.Millisecond   // between two looks at its numbers
	probeLimit = 20 * time.Second       // a number that takes longer is a failure
)

// learnRate is how many of the offered events a second come with a token of their own, so that the ranking learns
// from them; the others repeat what it has heard. It is what the feed is measured beside, too.
const learnRate = 3_000

// eventsPerToken is how many events of a scroll belong to one token.
const eventsPerToken = 5

// Fresh is how long single events took at a fixed offered rate beside them.
type Fresh struct {
	Offered float64    `json:"offered_rate"` // events a second
	Reached float64    `json:"reached_rate"` // acknowledged
	Batch   int        `json:"batch"`
	Acks    Latency    `json:"ack_ms"` // of the load, from when each batch was due
	Probes  []Latency  `json:"probes_ms"`
	Learned float64    `json:"learned_rate"` // that the ranking learned from
	Visible [2]float64 `json:"visible_ms"`   // p50 and p99 of all events by the server's own histogram, from the acknowledgement
	Ranked  [2]float64 `json:"next_page_ms"` // the same until the next page of feed knows them
}

// freshness offers events at a fixed rate and taps products of its own meanwhile: how long until
// their numbers say so, and until an open dashboard is sent it.
func freshness(ctx context.Context, m *market, o Options, rate int, r *Report) error {
	before, err := figuresOf(ctx, m.nobody)
	if err != nil || !before.folds() {
		return err
	}
	l := &offers{rate: rate, every: max(rate/learnRate, 1)}
	if l.fresh, err = m.invite(ctx, min(rate, learnRate)*o.Seconds/o.Batch, (o.Batch+eventsPerToken-1)/eventsPerToken); err != nil {
		return fmt.Errorf("the shoppers were not invited: %w", err)
	}
	p := &prober{m: m, seen: map[string]*atomic.Int64{}}
	if err := p.open(ctx); err != nil {
		return fmt.Errorf("the probes were not made: %w", err)
	}
	o.Note("offering %d events/s for %d s, and looking how fresh the numbers and the next page are", rate, o.Seconds)
	if before, err = figuresOf(ctx, m.nobody); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	watching := make(chan error, 1)
	go func() { watching <- p.watch(ctx) }()
	var t *tally
	var took time.Duration
	var offered error
	done := make(chan struct{})
	go func() {
		defer close(done)
		t, took, offered = l.offer(ctx, m, o)
	}()
	p.run(ctx, o, done)
	<-done
	stop()
	if err := errors.Join(offered, <-watching); err != nil {
		return err
	}
	after, err := figuresOf(context.WithoutCancel(ctx), m.nobody)
	if err != nil {
		return err
	}
	f := Fresh{Offered: float64(rate), Reached: float64(t.done) / took.Seconds(), Batch: o.Batch, Acks: latency("ack", t.steps["ack"])}
	for _, step := range []string{"ack→number", "tap→number", "ack→pushed", "tap→pushed"} {
		f.Probes = append(f.Probes, latency(step, p.steps[step]))
	}
	f.Visible = [2]float64{quantile(before, after, figureVisible, 0.5), quantile(before, after, figureVisible, 0.99)}
	f.Ranked = [2]float64{quantile(before, after, figureRanked, 0.5), quantile(before, after, figureRanked, 0.99)}
	f.Learned = (after.values[figureLearned] - before.values[figureLearned]) / took.Seconds()
	for kind, n := range t.errors {
		r.Errors["offered: "+kind] += n
	}
	for kind, n := range p.errors {
		r.Errors["probe: "+kind] += n
	}
	r.Fresh = append(r.Fresh, f)
	return nil
}

// offers are batches at a fixed rate: of every so many one comes from a shopper who tells nothing else.
type offers struct {
	rate, every int
	fresh       []shopper
}

// from returns who tells the nth batch, and as which of its rounds.
func (l *offers) from(m *market, o Options, client, n int) (*shopper, int) {
	if at := n / l.every; n%l.every == 0 && at < len(l.fresh) {
		return &l.fresh[at], 0
	}
	return m.shopper(o, client, n), n
}

// offer sends batches at the times they are due, whether or not those before are answered.
func (l *offers) offer(ctx context.Context, m *market, o Options) (*tally, time.Duration, error) {
	tellers, err := newTellers(o)
	if err != nil {
		return nil, 0, err
	}
	defer closeTellers(tellers)
	every := time.Duration(float64(time.Second) * float64(o.Batch) / float64(l.rate))
	begin := time.Now()
	end := begin.Add(time.Duration(o.Seconds) * time.Second)
	var next atomic.Int64
	all := make([]*tally, o.Clients)
	var clients sync.WaitGroup
	for i := range all {
		t := &tally{counting: true, steps: map[string][]time.Duration{}, errors: map[string]int{}}
		all[i] = t
		clients.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1)
				due := begin.Add(time.Duration(n) * every)
				if due.After(end) {
					return
				}
				<-time.After(time.Until(due))
				s, round := l.from(m, o, i, int(n))
				accepted, err := tellers[i].tell(ctx, s, m, round, o.Batch)
				if err != nil {
					t.failed(err)
					continue
				}
				t.took("ack", time.Since(due))
				t.count(accepted)
			}
		})
	}
	clients.Wait()
	return sum(all), time.Since(begin), nil
}

// prober taps products that nobody else does.
type prober struct {
	m        *market
	products []string
	seen     map[string]*atomic.Int64 // by product: taps that the dashboard has been sent
	mu       sync.Mutex
	steps    map[string][]time.Duration
	errors   map[string]int
}

func (p *prober) open(ctx context.Context) error {
	p.steps, p.errors = map[string][]time.Duration{}, map[string]int{}
	for i := range probes {
		made, err := p.m.owner.List(ctx, p.m.brand, client.Product{Title: fmt.Sprintf("Probe %d", i+1), Description: "Made to be looked at.", Category: "home.kitchen",
			Variants: []client.Variant{{SKU: uuid.NewString()[:18], Title: "One", Price: client.Money{Amount: 1999, Currency: "USD"}, Stock: 1}}})
		if err != nil {
			return err
		}
		p.products = append(p.products, made.ID)
		p.seen[made.ID] = &atomic.Int64{}
	}
	return nil
}

// run taps each product again and again until done.
func (p *prober) run(ctx context.Context, o Options, done <-chan struct{}) {
	var all sync.WaitGroup
	for i, product := range p.products {
		all.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-done:
					return
				case <-time.After(rand.N(probePause)):
				}
				if err := p.tap(ctx, &p.m.shoppers[(int(n)+i)%len(p.m.shoppers)], product, n); err != nil {
					p.mu.Lock()
					p.errors[err.Error()]++
					p.mu.Unlock()
					return // its count can no longer be told
				}
			}
		})
	}
	all.Wait()
}

var errStale = errors.New("a number did not move in time")

// tap views a product the nth time and waits until its numbers and the dashboard say so.
func (p *prober) tap(ctx context.Context, s *shopper, product string, n int64) error {
	body := fmt.Sprintf(`{"events":[{"id":%q,"type":"product_view","at":%q,"product_id":%q}]}`, uuid.NewString(), time.Now().UTC().Format(time.RFC3339Nano), product)
	tapped := time.Now()
	if _, err := s.tell(ctx, []byte(body)); err != nil {
		return errors.New("no answer")
	}
	acked := time.Now()
	var visible, pushed time.Time
	for limit := acked.Add(probeLimit); visible.IsZero() || pushed.IsZero(); {
		if visible.IsZero() {
			var numbers struct {
				Views int64 `json:"product_views"`
			}
			if err := p.m.owner.Call(ctx, http.MethodGet, "/api/v1/metrics/product/"+product+"?window=24h", nil, &numbers); err != nil {
				return errors.New("no number")
			}
			if numbers.Views >= n {
				visible = time.Now()
			}
		}
		if pushed.IsZero() && p.seen[product].Load() >= n {
			pushed = time.Now()
		}
		if time.Now().After(limit) {
			return errStale
		}
		<-time.After(probeLook)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for step, took := range map[string]time.Duration{"ack→number": visible.Sub(acked), "tap→number": visible.Sub(tapped), "ack→pushed": pushed.Sub(acked), "tap→pushed": pushed.Sub(tapped)} {
		p.steps[step] = append(p.steps[step], took)
	}
	return nil
}

// watch keeps a dashboard open over all the probes, as their brand's owner.
func (p *prober) watch(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := p.follow(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("the dashboard was cut: %w", err)
		}
	}
	return nil
}

// follow reads one stream to its end.
func (p *prober) follow(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.m.owner.Base+"/api/v1/metrics/stream?window=24h&entities=product:"+strings.Join(p.products, ",product:"), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.m.owner.Token)
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var news struct {
			Items []struct {
				Entity string `json:"entity"`
				Views  int64  `json:"product_views"`
			} `json:"items"`
		}
		if err := json.Unmarshal(data, &news); err != nil {
			return err
		}
		for _, item := range news.Items {
			if n := p.seen[strings.TrimPrefix(item.Entity, "product:")]; n != nil {
				n.Store(max(n.Load(), item.Views))
			}
		}
	}
	return lines.Err()
}
