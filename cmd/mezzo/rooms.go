package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/api"
	"mezzo/internal/catalog"
	"mezzo/internal/content"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/ledger"
	"mezzo/internal/media"
	"mezzo/internal/money"
	"mezzo/internal/notify"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
	"mezzo/internal/reach"
	"mezzo/internal/sample"
	"mezzo/internal/stream"
	"mezzo/internal/trust"
	"mezzo/internal/voucher"
	"mezzo/internal/web"
)

// How often this node does what nobody waits for.
const (
	turnEvery  = time.Hour // whether the signing keys are due
	pruneEvery = time.Hour
	sealEvery  = time.Second
	tickLease  = 10 * time.Second
	sealLease  = 30 * time.Second
	sweepLease = 30 * time.Second
	// disputeLook is how often the provider is asked for disputes, in case that its words were lost.
	disputeLook = time.Hour
	turnLease   = time.Minute
	hooksLease  = 15 * time.Second
	// payoutLease is longer than a rail may take to answer.
	payoutLease = 2 * time.Minute
)

// rooms are the uses people meet, joined to each other and to the stores.
type rooms struct {
	keys      *id.Keyring
	accounts  *account.Accounts
	catalog   *catalog.Catalog
	affiliate *affiliate.Affiliate
	content   *content.Content
	media     *media.Media
	sandbox   *payment.Sandbox                          // nil where a provider outside takes the money
	stripe    *payment.Stripe                           // nil where another does
	heard     func(context.Context, payment.Hook) error // takes the sandbox's words
	looked    time.Time                                 // when the provider was last asked for disputes
	orders    *order.Orders
	vouchers  *voucher.Vouchers
	samples   *sample.Samples
	payouts   *payout.Payouts
	trust     *trust.Trust
	feed      *feed.Feed
	insight   *insight.Insight
	notify    *notify.Notify
	reach     *reach.Reach
	api       *api.API
}

// furnish builds the rooms, starts what runs beside them, and opens the door to them.
func (s *server) furnish(ctx context.Context) error {
	d := s.stores.db
	keys, err := account.LoadKeys(ctx, d)
	if err != nil {
		return fmt.Errorf("the signing keys cannot be read: %w", err)
	}
	r := &s.rooms
	r.keys = keys
	r.accounts = account.New(d, keys, s.accountOptions())
	if err := r.accounts.EnsureOperator(ctx, s.conf.OperatorEmail, s.conf.OperatorPassword); err != nil {
		return fmt.Errorf("the operator of --operator-email could not be made: %w", err)
	}
	if err := s.furnishTrade(ctx); err != nil {
		return err
	}
	s.furnishInsight()
	if err := s.furnishReach(ctx); err != nil {
		return err
	}
	r.notify = notify.New(d, notify.Options{Mode: notify.Mode(s.conf.Webhooks), Log: s.log.With("room", "notify")})
	uploads := r.media.Handler(func(q *http.Request) (account.Asker, error) { return account.From(q.Context()), nil })
	r.api = api.New(api.Deps{Accounts: r.accounts, Catalog: r.catalog, Affiliate: r.affiliate, Content: r.content, Media: r.media, Uploads: uploads, Trust: r.trust,
		Orders: r.orders, Vouchers: r.vouchers, Samples: r.samples, Payouts: r.payouts, Keys: keys, Feed: r.feed, Insight: r.insight, Notify: r.notify, Reach: r.reach, Sandbox: r.sandbox, Stripe: r.stripe, Hearer: hearer{r}, Turn: s.turn()}, api.Options{
		Clock: s.stores.clock, Log: s.log.With("room", "api"), Version: version,
		Unlimited: s.conf.NoLimits, TrustProxy: s.conf.TrustProxy, Observe: s.meters.observe,
	})
	r.api.Handle("GET "+media.Path+"{name}", http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.media.ServeBlob(w, q, q.PathValue("name"))
	}))
	r.api.Handle("/", web.New(web.Deps{DB: d, Keys: keys, Accounts: r.accounts, Catalog: r.catalog, Content: r.content, Media: r.media, Affiliate: r.affiliate,
		Orders: r.orders, Vouchers: r.vouchers, Samples: r.samples, Sandbox: r.sandbox, Payouts: r.payouts, Trust: r.trust, Feed: r.feed, Insight: r.insight, Notify: r.notify, Reach: r.reach}, web.Options{
		Clock: s.stores.clock, Log: s.log.With("room", "web"), Demo: s.conf.demo, TrustProxy: s.conf.TrustProxy, Leads: r.leads()}))
	s.employ()
	return nil
}

// accountOptions are those of the command line. A demo makes its people from this machine, a hundred
// at once; what guards their sign-ins is made up like they are.
func (s *server) accountOptions() account.Options {
	o := account.Options{Log: s.log.With("room", "account"), Unlimited: s.conf.NoLimits, Demo: s.conf.demo}
	if s.conf.demo {
		o.Passwords, o.Trusted = account.Cheap, netip.Addr.IsLoopback
	}
	return o
}

// furnishTrade joins the rooms in which things are shown, sold and earned.
func (s *server) furnishTrade(ctx context.Context) error {
	if err := order.CheckStates(); err != nil {
		return err
	}
	d, r := s.stores.db, &s.rooms
	r.catalog, r.affiliate = catalog.New(d), affiliate.New(d)
	r.content = content.New(d, r.affiliate)
	var err error
	r.media, err = media.New(media.Options{DB: d, Blobs: s.stores.blobs, Dir: s.stores.folder.file(uploadsName), Sink: r.content, Tool: media.FindTool(ctx),
		Log: s.log.With("room", "media"), KeepSmall: s.conf.demo,
		Refuse: func(w http.ResponseWriter, q *http.Request, err error) { r.api.Refuse(w, q, err) }})
	if err != nil {
		return err
	}
	r.content.Attach(r.media)
	provider, err := s.furnishPayments(ctx)
	if err != nil {
		return err
	}
	r.vouchers, r.samples = voucher.Open(d), sample.New(d)
	r.content.AttachGifts(r.samples)
	r.orders = order.New(order.Parts{DB: d, Keys: r.keys, Provider: provider, Log: touchLog{s.stores.log, r.affiliate}, Logger: s.log.With("room", "order")},
		order.Options{Fee: money.Bps(s.conf.PlatformFeeBps), HoldDays: int64(s.conf.HoldDays),
			Reserve: order.Reserve{Bps: money.Bps(s.conf.ReserveBps), Days: int64(s.conf.ReserveDays)}})
	r.payouts, r.trust = s.newPayouts(ctx), trust.New(d, r.accounts.Forget)
	if r.sandbox != nil {
		r.heard = r.sandbox.Hear(r.orders, func(ctx context.Context, key string) error { return r.payouts.Told(ctx, id.Payout(key)) })
	}
	r.feed = feed.New(d, heardLog{s.stores.log, s.folds.keeper, s.folds.rank}, r.keys, feed.Options{Rank: s.folds.rank, Log: s.log.With("room", "feed")})
	s.meters.told(r.feed)
	if err := feed.Declare(ctx, d); err != nil {
		return err
	}
	for _, erase := range []account.Eraser{order.Erase, sample.Erase, content.Erase, feed.Erase, payout.Erase} {
		r.accounts.OnErase(erase)
	}
	r.accounts.OnExport("orders", order.Export)
	r.accounts.OnExport("addresses", order.ExportAddresses)
	r.accounts.OnExport("samples", sample.Export)
	r.accounts.OnExport("payouts", r.payouts.Export)
	r.accounts.OnExport("content", content.Export)
	r.accounts.OnExport("selling", affiliate.Export)
	r.accounts.OnExport("hidden_videos", feed.Hidden)
	r.accounts.OnExport("feed_choices", feed.Chosen)
	return nil
}

// touchLog is how far the log and the followers of its touches have come, for orders.
type touchLog struct {
	log       *stream.Log
	affiliate *affiliate.Affiliate
}

// Horizon returns the log's end as text.
func (t touchLog) Horizon(ctx context.Context) (string, error) {
	end, err := t.log.End(ctx)
	return end.String(), err
}

// Reached waits until the touches before the horizon are rows.
func (t touchLog) Reached(ctx context.Context, horizon string, d time.Duration) bool {
	return t.affiliate.Reached(ctx, horizon, d)
}

// turn returns what moves the shop's clock; nil where it is the machine's.
func (s *server) turn() func(time.Duration) error {
	if turned, ok := s.stores.clock.(*sandbox); ok {
		return turned.Turn
	}
	return nil
}

// employ starts what runs beside the requests.
func (s *server) employ() {
	d, log := s.stores.db, s.stores.log
	s.tasks.run("relay", func(ctx context.Context) error { return d.RunRelay(ctx, s.name, factLog{log}) })
	s.tasks.run("clock", s.watchClock())
	s.tasks.run("ticks", s.leased("ticks", tickLease, log.RunTicks))
	s.tasks.run("seal", s.leased("seal", sealLease, every(sealEvery, func(ctx context.Context) error {
		_, err := ledger.Seal(ctx, d)
		return err
	})))
	s.tasks.run("touches", func(ctx context.Context) error {
		return s.rooms.affiliate.Follow(ctx, log, s.name, func(err error) { s.log.Warn("touches wait", "error", err) })
	})
	s.tasks.run("metric", s.folds.keeper.Run)
	s.tasks.run("rank", s.folds.rank.Run)
	s.health.add("rank", s.folds.ranked)
	s.tasks.run("live numbers", s.live)
	s.health.add("metric", s.folds.caughtUp)
	if s.folds.archive != nil {
		s.tasks.run("archive", s.folds.archive.Run)
	}
	s.tasks.run("trim", s.leased("trim", trimLease, every(trimEvery, s.trimLog)))
	s.tasks.run("feed", s.rooms.feed.Run)
	s.health.add("touches", s.touchesCaughtUp())
	s.health.add("feed", func(context.Context) error {
		if _, known := s.rooms.feed.Videos(); !known {
			return errors.New("what may be shown is being read")
		}
		return nil
	})
	s.tasks.run("orders", s.leased("orders", sweepLease, every(order.SweepEvery, s.sweepOrders)))
	s.tasks.run("samples", s.leased("samples", sweepLease, every(sample.SweepEvery, func(ctx context.Context) error {
		if err := s.rooms.samples.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("part of the sweep of samples failed and will be tried again", "error", err)
		}
		return nil
	})))
	s.tasks.run("payouts", s.leased("payouts", payoutLease, every(payout.SweepEvery, s.sweepPayouts)))
	s.tasks.run("jobs", func(ctx context.Context) error { return d.NewWorker(s.rooms.media.Handlers()).Run(ctx) })
	s.tasks.run("uploads", s.rooms.media.Run)
	s.tasks.run("webhooks", s.leased("webhooks", hooksLease, s.rooms.notify.Run))
	s.tasks.run("turn", s.leased("turn", turnLease, every(turnEvery, func(ctx context.Context) error { return account.TurnDue(ctx, d) })))
	s.tasks.run("keys", every(account.KeyRead, func(ctx context.Context) error { return account.ReloadKeys(ctx, d, s.rooms.keys) }))
	s.tasks.run("prune", every(pruneEvery, func(ctx context.Context) error {
		if _, err := d.PruneIdempotency(ctx); err != nil {
			return err
		}
		_, err := d.PruneJobs(ctx)
		return err
	}))
}

// lookForDisputes asks the provider now and then what words of its may have been lost.
func (s *server) lookForDisputes(ctx context.Context) error {
	now := s.stores.clock.Now()
	if now.Sub(s.rooms.looked) < disputeLook {
		return nil
	}
	since := time.Unix(0, 0)
	if !s.rooms.looked.IsZero() {
		since = s.rooms.looked.Add(-disputeLook)
	}
	s.rooms.looked = now
	return s.rooms.orders.LookForDisputes(ctx, since)
}

// sweepOrders finishes what time and crashes have left of orders; what fails is tried again.
func (s *server) sweepOrders(ctx context.Context) error {
	err := errors.Join(s.rooms.orders.Sweep(ctx), s.lookForDisputes(ctx))
	if s.rooms.sandbox != nil {
		err = errors.Join(err, s.rooms.sandbox.Deliver(ctx, s.rooms.heard))
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("part of the order sweep failed and will be tried again", "error", err)
	}
	return nil
}

// touchesCaughtUp holds once the follower of touches has reached where the log ended when it was
// first asked: what comes after is followed live.
func (s *server) touchesCaughtUp() func(context.Context) error {
	var mu sync.Mutex
	var horizon string
	reached := false
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		if reached {
			return nil
		}
		log := touchLog{s.stores.log, s.rooms.affiliate}
		if horizon == "" {
			end, err := log.Horizon(ctx)
			if err != nil {
				return err
			}
			horizon = end
		}
		if reached = log.Reached(ctx, horizon, 0); !reached {
			return errors.New("touches are still being read from the log")
		}
		return nil
	}
}
