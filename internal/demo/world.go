package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/clock"
)

// Days is how much past the demo is given.
const Days = 21

// The size of the demo.
const (
	people        = 100 // accounts that shop, like and follow
	guests        = 60  // shoppers without one
	atOnce        = 8   // requests under way while it is filled
	perDay        = 13  // shoppers who look in on a day of the past, where time allows
	stockEach     = 800 // units of each variant
	shown         = 3   // creators people may sign in as
	fillLimit     = 45 * time.Second
	settleLimit   = 20 * time.Second
	readyInterval = 50 * time.Millisecond
)

// seed makes every demo draw the same lots.
const seed = 20

// Options say where the demo's Mezzo is and how its past is made.
type Options struct {
	URL      string      // where this machine reaches it, without a slash at the end
	Clock    clock.Clock // the machine's: pauses and budgets
	Operator SignIn      // who may turn the clock
	Password string      // of everybody in the demo
	Past     time.Duration
	Limit    time.Duration // what filling may take: when it is short fewer people come; 0: as long as it is pleasant to wait
	Say      func(Status)  // told whenever the status changes; nil: nobody
}

// SignIn is somebody to sign in as.
type SignIn struct {
	Role, Email, What string
}

// Status is how far the demo has come.
type Status struct {
	Percent  int    `json:"percent"`
	Stage    string `json:"stage"`
	Whole    bool   `json:"whole"`
	Orders   int    `json:"orders"`
	Sessions int    `json:"sessions"` // feeds scrolled through by simulated shoppers
}

// World is the demo: its people act through the public contract alone.
type World struct {
	o        Options
	manifest manifest
	nobody   client.Client
	operator client.Client
	brands   []*brand
	creators []*creator
	shoppers []*shopper
	begun    time.Time
	whole    time.Time // when the past ended, in the shop's time

	mu      sync.Mutex
	ahead   time.Duration // of the shop's clock over the machine's; the past while negative
	goods   map[string]client.Product
	videos  map[string]video   // by id
	matters map[string]*matter // by what they are for
	labels  map[string]string  // the platform's, by service
	samples map[string]string  // by whose they are and of what
	status  Status
}

type brand struct {
	trader
	client.Client
	id, program string // the program is open to everybody
}

type creator struct {
	maker
	client.Client
	first string // the id of the film they posted first
}

// video is what the demo remembers of a posted one.
type video struct {
	creator *creator
	goods   []string // ids in the manifest
}

// New returns an empty demo.
func New(o Options) (*World, error) {
	m, err := readManifest()
	if err != nil {
		return nil, err
	}
	if o.Limit == 0 {
		o.Limit = fillLimit
	}
	w := &World{o: o, manifest: m, begun: o.Clock.Now(), ahead: -o.Past, goods: map[string]client.Product{}, videos: map[string]video{}, matters: map[string]*matter{}, labels: map[string]string{}, samples: map[string]string{}}
	w.nobody = client.Client{Base: o.URL, HTTP: &http.Client{Timeout: time.Minute, Transport: &patient{&http.Transport{MaxIdleConnsPerHost: 2 * atOnce}, w.pause}}}
	return w, nil
}

// Status returns how far the demo has come.
func (w *World) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

// change changes the status and tells of it.
func (w *World) change(fn func(s *Status)) {
	w.mu.Lock()
	fn(&w.status)
	s := w.status
	w.mu.Unlock()
	if w.o.Say != nil {
		w.o.Say(s)
	}
}

func (w *World) stage(percent int, format string, args ...any) {
	w.change(func(s *Status) { s.Percent, s.Stage = max(percent, s.Percent), fmt.Sprintf(format, args...) })
}

// Fill makes the people, the goods, the films and the past. When it returns without an error the
// shop's clock stands at the present.
func (w *World) Fill(ctx context.Context) error {
	var err error
	if w.operator, err = w.nobody.SignIn(ctx, w.o.Operator.Email, w.o.Password); err != nil {
		return err
	}
	for _, step := range []struct {
		percent int
		what    string
		do      func(context.Context) error
	}{{0, "taxes", w.setTaxes}, {1, "brands and goods", w.openBrands}, {12, "creators and films", w.openCreators}, {25, "people", w.invite}, {39, "vouchers and offers", w.giveVouchers}, {39, "labels", w.sellLabels}, {40, "three weeks of trade", w.live}, {97, "today", w.arrive}, {98, "what is earned", w.settle}, {99, "payouts and disputes", w.payOut}} {
		w.stage(step.percent, "%s", step.what)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	w.whole = w.now()
	w.change(func(s *Status) { s.Percent, s.Stage, s.Whole = 100, "everything is there", true })
	return nil
}

// arrive turns the clock to the present and signs everybody in again: the sessions of the past
// would end too soon.
func (w *World) arrive(ctx context.Context) error {
	if err := w.turn(ctx, -w.ahead); err != nil {
		return err
	}
	var err error
	if w.operator, err = w.nobody.SignIn(ctx, w.o.Operator.Email, w.o.Password); err != nil {
		return err
	}
	for _, b := range w.brands {
		if b.Client, err = w.nobody.SignIn(ctx, b.email, w.o.Password); err != nil {
			return err
		}
	}
	return w.each(ctx, len(w.shoppers), func(ctx context.Context, i int) error {
		return w.shoppers[i].signIn(ctx, w.o.Password)
	})
}

// settle waits until the creators that are shown, and the brand whose payout waits for the operator, have what
// their certain sales earned them: the server decides and releases beside the requests, later when the machine is slow.
func (w *World) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleLimit, errors.New("the server takes too long to release what is due"))
	defer cancel()
	for i, c := range w.creators[:shown] {
		var err error
		if c.Client, err = w.nobody.SignIn(ctx, c.email, w.o.Password); err != nil {
			return err
		}
		least := int64(0)
		if i > 0 { // the first sells little, and is paid nothing yet
			least = paidOut
		}
		err = w.wait(ctx, func() (bool, error) {
			earned, err := c.GetEarnings(ctx)
			return earned.Available.Amount > least && earned.Pending.Amount > 0, err
		})
		if err != nil {
			return err
		}
	}
	ember := w.brands[0]
	return w.wait(ctx, func() (bool, error) {
		var has struct{ Available client.Money }
		err := ember.Call(ctx, http.MethodGet, "/api/v1/brands/"+ember.id+"/balance", nil, &has)
		return has.Available.Amount > awaiting, err
	})
}

// wait asks again and again until something is so.
func (w *World) wait(ctx context.Context, is func() (bool, error)) error {
	for {
		so, err := is()
		if so && err == nil {
			return nil
		}
		if err == nil {
			err = w.pause(ctx, readyInterval)
		}
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// turn moves the shop's clock on, by whole seconds.
func (w *World) turn(ctx context.Context, d time.Duration) error {
	d = min(d, -w.ahead) // never beyond the present
	if d < time.Second {
		return nil
	}
	if err := w.operator.Turn(ctx, int64(d/time.Second)); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d.Truncate(time.Second)
	return nil
}

// now returns the time in the shop.
func (w *World) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.o.Clock.Now().Add(w.ahead)
}

// lots returns the n-th run of drawn lots.
func lots(n int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }

// each does n things, a few at once, and returns the first error.
func (w *World) each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(atOnce, n) {
		all.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}

// pause waits in the machine's time.
func (w *World) pause(ctx context.Context, d time.Duration) error {
	t := w.o.Clock.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
