package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/content"
	"mezzo/internal/fault"
	"mezzo/internal/feed"
	"mezzo/internal/id"
	"mezzo/internal/insight"
	"mezzo/internal/media"
	"mezzo/internal/notify"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
	"mezzo/internal/reach"
	"mezzo/internal/sample"
	"mezzo/internal/trust"
	"mezzo/internal/voucher"
)

// Base is where the contract lives.
const Base = "/api/v1"

// Deps are the uses the face stands on. A room whose use is nil has no routes.
type Deps struct {
	Accounts  *account.Accounts
	Catalog   *catalog.Catalog
	Content   *content.Content
	Media     *media.Media
	Uploads   http.Handler // resumable uploads: media's handler
	Trust     *trust.Trust
	Orders    *order.Orders
	Vouchers  *voucher.Vouchers
	Samples   *sample.Samples
	Payouts   *payout.Payouts
	Affiliate *affiliate.Affiliate
	Keys      *id.Keyring // signs impression tokens
	Feed      *feed.Feed
	Insight   *insight.Insight
	Notify    *notify.Notify
	Reach     *reach.Reach
	Sandbox   *payment.Sandbox // its bank can be made to dispute; nil where another provider is
	Stripe    *payment.Stripe  // nil: another provider moves buyers' money
	Hearer    payment.Hearer   // who is told what Stripe's messages were about
	// Turn moves the sandbox clock forward; nil where the clock is the machine's.
	Turn func(time.Duration) error
}

// Options say how requests are received.
type Options struct {
	Clock      clock.Clock  // required
	Log        *slog.Logger // nil: nothing is logged
	Version    string       // of the program, shown in the OpenAPI document
	Unlimited  bool         // no general rate limit: for the demo and load tests on loopback
	TrustProxy bool         // believe X-Forwarded-For and X-Forwarded-Proto of the proxy in front
	// Observe, when set, is told of each answered request: the route's pattern, never the path.
	Observe func(route string, status int, seconds float64)
}

// API is the JSON face. It is an http.Handler once its rooms are registered by New.
type API struct {
	deps      Deps
	opts      Options
	log       *slog.Logger
	mux       *http.ServeMux
	huma      huma.API
	routes    []Route
	byPath    map[string]Route // "METHOD /path" as the mux knows it
	general   *account.Limiter
	addresses *account.Limiter
	writers   *account.Limiter // by write key, in messages
	origin    *http.CrossOriginProtection
	handler   http.Handler
}

// New returns the API of the uses with every room's routes.
func New(deps Deps, opts Options) *API {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	a := &API{
		deps: deps, opts: opts, log: opts.Log,
		mux:    http.NewServeMux(),
		byPath: map[string]Route{},
		origin: http.NewCrossOriginProtection(),
	}
	if !opts.Unlimited {
		a.general = account.NewLimiter(opts.Clock, account.Rate{Burst: GeneralBurst, Every: GeneralEvery})
		a.addresses = account.NewLimiter(opts.Clock, account.Rate{Burst: AddressBurst, Every: AddressEvery})
	}
	a.huma = huma.NewAPI(a.config(), adapter{a})
	for _, register := range a.rooms() {
		register()
	}
	a.finishSpec()
	a.mux.HandleFunc("/api/", a.unknown)
	a.handler = a.chain(a.mux)
	return a
}

// rooms lists what registers each room's routes; a room adds its line and skips itself
// when its use is nil.
func (a *API) rooms() []func() {
	return []func(){
		a.registerDocs,
		a.registerPeople,
		a.registerCatalog,
		a.registerAffiliate,
		a.registerContent,
		a.registerMedia,
		a.registerTrust,
		a.registerOrders,
		a.registerVouchers,
		a.registerSamples,
		a.registerMoney,
		a.registerMyPayouts,
		a.registerBrandPayouts,
		a.registerPayoutDesk,
		a.registerSandbox,
		a.registerStripe,
		a.registerFeed,
		a.registerSegment,
		a.registerMetrics,
		a.registerWebhooks,
		a.registerReach,
	}
}

// ServeHTTP answers requests to the API and to everything mounted with Handle.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Handle mounts a handler of another face (pages, media) behind the same door: request id, log,
// panics, security headers, rate limit, who asks (account.From) and cross-origin protection.
func (a *API) Handle(pattern string, h http.Handler) {
	a.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traceOf(r.Context()).route = r.Pattern
		if a.foreign(r) {
			http.Error(w, crossOrigin, http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// Refuse answers a request of another face with an error as this one does.
func (a *API) Refuse(w http.ResponseWriter, r *http.Request, err error) { a.fail(w, r, err) }

// Routes lists every route with who may call it, in the order they were registered.
func (a *API) Routes() []Route { return append([]Route(nil), a.routes...) }

// unknown answers paths and methods that no route has.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	if allowed := a.methodsOf(r); len(allowed) > 0 {
		for _, m := range allowed {
			w.Header().Add("Allow", m)
		}
		a.fail(w, r, fault.New(kindMethod, "%s is not a method of this path; Allow names those that are.", r.Method))
		return
	}
	a.fail(w, r, fault.New(fault.Missing, "There is nothing at this path. The contract stands at /api/docs."))
}

func (a *API) methodsOf(r *http.Request) []string {
	var allowed []string
	for _, m := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := a.mux.Handler(probe); pattern != "" && pattern != "/api/" && pattern != "/" {
			allowed = append(allowed, m)
		}
	}
	return allowed
}
