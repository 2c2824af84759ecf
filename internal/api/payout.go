package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/payout"
)

// payoutRoutes are the routes of one sort of owner: under /me for a creator, under /brands/{id} for a brand.
type payoutRoutes struct {
	base string
	who  Who
	of   string // "your", "the brand's"
}

var (
	myPayouts    = payoutRoutes{"/me", Creator, "your"}
	brandPayouts = payoutRoutes{"/brands/{id}", Brand, "the brand's"}
)

func (p payoutRoutes) route(method, path string, scope account.Scope, summary string) Route {
	return Route{Method: method, Path: p.base + path, Who: p.who, Scope: scope, Tag: "payouts", Summary: summary}
}

func (p payoutRoutes) ask() Route {
	r := p.route(http.MethodPost, "/payouts", account.PayoutsWrite, "Pay out of "+p.of+" available money")
	r.Status, r.Idempotency = 201, Required
	r.Description = "422 below the minimum of its currency (10.00 USD). 409 says what stands in the way: payee_incomplete, age_not_stated, destination_cooling_off, destination_flagged, balance_owed, insufficient_balance. " +
		"The money leaves the balance at once; created → sent → confirmed, or failed, or returned, and then it is available again. In the sandbox any destination_id such as dst_test does; dst_fail… fails, dst_slow… takes an hour, dst_return… comes back after two days."
	return r
}

func (p payoutRoutes) list() Route {
	return p.route(http.MethodGet, "/payouts", account.MoneyRead, "List "+p.of+" payouts, newest first")
}

func (p payoutRoutes) one() Route {
	return p.route(http.MethodGet, "/payouts/{payout}", account.MoneyRead, "One of "+p.of+" payouts")
}

func (p payoutRoutes) payee() Route {
	return p.route(http.MethodGet, "/payee", "", "Who is paid, as far as it may be shown")
}

func (p payoutRoutes) putPayee() Route {
	r := p.route(http.MethodPut, "/payee", "", "Say who is paid: name, address, country, tax id")
	r.Description = "Kept encrypted; answers show the end of the tax id only. Asked for at the first sale, needed before the first payout."
	return r
}

func (p payoutRoutes) destinations() Route {
	return p.route(http.MethodGet, "/destinations", account.MoneyRead, "Where "+p.of+" money can be sent")
}

func (p payoutRoutes) addDestination() Route {
	r := p.route(http.MethodPost, "/destinations", "", "Add a place "+p.of+" money is sent to; with the password again")
	r.Status, r.Secret = 201, true
	r.Description = "The first may be used at once, every other after 72 hours. Bank details are kept encrypted and never shown again."
	return r
}

func (p payoutRoutes) removeDestination() Route {
	return p.route(http.MethodDelete, "/destinations/{destination}", "", "Take a place off the list")
}

func (p payoutRoutes) confirmDestination() Route {
	r := p.route(http.MethodPost, "/destinations/{destination}/confirm", "", "Say that a flagged place is right; with the password again")
	r.Status, r.Secret = 200, true
	return r
}

func (p payoutRoutes) schedule() Route {
	return p.route(http.MethodGet, "/payout_schedule", account.MoneyRead, "When "+p.of+" money is paid out unasked")
}

func (p payoutRoutes) putSchedule() Route {
	return p.route(http.MethodPut, "/payout_schedule", "", "Be paid weekly, monthly, or when you ask")
}

func (p payoutRoutes) statement() Route {
	r := p.route(http.MethodGet, "/statements", account.MoneyRead, "What happened to "+p.of+" money, down to the ledger transfer")
	r.Description = "?from=&to= (days or RFC 3339 times; to is exclusive; this month when left out), ?currency=, ?format=json or csv (or Accept: text/csv). Opening and all movements make the closing."
	r.Gives = payout.Statement{}
	return r
}

type askBody struct {
	Amount      money.Amount   `json:"amount"`
	Destination id.Destination `json:"destination_id" maxLength:"50"`
}

type destinationBody struct {
	payout.Account
	Password string `json:"current_password" maxLength:"200"`
}

type passwordBody struct {
	Password string `json:"current_password" maxLength:"200"`
}

type scheduleBody struct {
	Every       payout.Every   `json:"every" enum:"manual,weekly,monthly"`
	Destination id.Destination `json:"destination_id,omitempty" maxLength:"50" doc:"Where to; needed unless manual"`
}

// registerMyPayouts adds what creators do with what they have earned (API.md §8).
func (a *API) registerMyPayouts() {
	if a.deps.Payouts == nil {
		return
	}
	r := myPayouts
	register(a, r.ask(), func(ctx context.Context, in *struct {
		Body askBody
	}) (*Output[payout.Payout], error) {
		return answered(a.deps.Payouts.Ask(ctx, asker(ctx), mine(ctx), in.Body.Amount, in.Body.Destination))
	})
	register(a, r.list(), func(ctx context.Context, in *struct {
		List
	}) (*PageOutput[payout.Payout], error) {
		from, err := after[id.Payout](in.List)
		if err != nil {
			return nil, err
		}
		list, err := a.deps.Payouts.List(ctx, asker(ctx), mine(ctx), from, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return page(list, in.Limit, func(p payout.Payout) string { return string(p.ID) }), nil
	})
	register(a, r.one(), func(ctx context.Context, in *struct {
		Payout id.Payout `path:"payout"`
	}) (*Output[payout.Payout], error) {
		return answered(a.deps.Payouts.One(ctx, asker(ctx), mine(ctx), in.Payout))
	})
	register(a, r.payee(), func(ctx context.Context, _ *None) (*Tagged[payout.PayeeView], error) {
		return viewPayee(a.deps.Payouts.Payee(ctx, asker(ctx), mine(ctx)))
	})
	register(a, r.putPayee(), func(ctx context.Context, in *struct {
		Match
		Body payout.Payee
	}) (*Tagged[payout.PayeeView], error) {
		match, err := in.version()
		if err != nil {
			return nil, err
		}
		return viewPayee(a.deps.Payouts.PutPayee(ctx, asker(ctx), mine(ctx), match, in.Body))
	})
	a.myDestinations()
}

// myDestinations adds where and when a creator is paid, and its statements.
func (a *API) myDestinations() {
	r := myPayouts
	register(a, r.destinations(), func(ctx context.Context, _ *None) (*PageOutput[payout.Destination], error) {
		list, err := a.deps.Payouts.Destinations(ctx, asker(ctx), mine(ctx))
		if err != nil {
			return nil, err
		}
		return whole(list), nil
	})
	register(a, r.addDestination(), func(ctx context.Context, in *struct {
		Body destinationBody
	}) (*Output[payout.Destination], error) {
		return answered(a.deps.Payouts.AddDestination(ctx, asker(ctx), mine(ctx), in.Body.Password, payout.NewDestination{Account: in.Body.Account}))
	})
	register(a, r.removeDestination(), func(ctx context.Context, in *struct {
		Destination id.Destination `path:"destination"`
	}) (*None, error) {
		return nil, a.deps.Payouts.RemoveDestination(ctx, asker(ctx), mine(ctx), in.Destination)
	})
	register(a, r.confirmDestination(), func(ctx context.Context, in *struct {
		Destination id.Destination `path:"destination"`
		Body        passwordBody
	}) (*Output[payout.Destination], error) {
		return answered(a.deps.Payouts.ConfirmDestination(ctx, asker(ctx), mine(ctx), in.Destination, in.Body.Password))
	})
	a.myHostedAccount()
	register(a, r.schedule(), func(ctx context.Context, _ *None) (*Output[payout.Schedule], error) {
		return answered(a.deps.Payouts.Schedule(ctx, asker(ctx), mine(ctx)))
	})
	register(a, r.putSchedule(), func(ctx context.Context, in *struct {
		Body scheduleBody
	}) (*Output[payout.Schedule], error) {
		return answered(a.deps.Payouts.PutSchedule(ctx, asker(ctx), mine(ctx), payout.Schedule{Every: in.Body.Every, Destination: in.Body.Destination}))
	})
	a.raw(r.statement(), func(w http.ResponseWriter, q *http.Request) error {
		return a.statement(w, q, mine(q.Context()))
	})
}

// registerBrandPayouts adds the same for brands.
func (a *API) registerBrandPayouts() {
	if a.deps.Payouts == nil {
		return
	}
	r := brandPayouts
	register(a, r.ask(), func(ctx context.Context, in *struct {
		ID   id.Brand `path:"id"`
		Body askBody
	}) (*Output[payout.Payout], error) {
		return answered(a.deps.Payouts.Ask(ctx, asker(ctx), payout.OfBrand(in.ID), in.Body.Amount, in.Body.Destination))
	})
	register(a, r.list(), func(ctx context.Context, in *struct {
		ID id.Brand `path:"id"`
		List
	}) (*PageOutput[payout.Payout], error) {
		from, err := after[id.Payout](in.List)
		if err != nil {
			return nil, err
		}
		list, err := a.deps.Payouts.List(ctx, asker(ctx), payout.OfBrand(in.ID), from, in.Limit+1)
		if err != nil {
			return nil, err
		}
		return page(list, in.Limit, func(p payout.Payout) string { return string(p.ID) }), nil
	})
	register(a, r.one(), func(ctx context.Context, in *struct {
		ID     id.Brand  `path:"id"`
		Payout id.Payout `path:"payout"`
	}) (*Output[payout.Payout], error) {
		return answered(a.deps.Payouts.One(ctx, asker(ctx), payout.OfBrand(in.ID), in.Payout))
	})
	register(a, r.payee(), func(ctx context.Context, in *struct {
		ID id.Brand `path:"id"`
	}) (*Tagged[payout.PayeeView], error) {
		return viewPayee(a.deps.Payouts.Payee(ctx, asker(ctx), payout.OfBrand(in.ID)))
	})
	register(a, r.putPayee(), func(ctx context.Context, in *struct {
		ID id.Brand `path:"id"`
		Match
		Body payout.Payee
	}) (*Tagged[payout.PayeeView], error) {
		match, err := in.version()
		if err != nil {
			return nil, err
		}
		return viewPayee(a.deps.Payouts.PutPayee(ctx, asker(ctx), payout.OfBrand(in.ID), match, in.Body))
	})
	a.brandDestinations()
}

// brandDestinations adds where and when a brand is paid, and its statements.
func (a *API) brandDestinations() {
	r := brandPayouts
	register(a, r.destinations(), func(ctx context.Context, in *struct {
		ID id.Brand `path:"id"`
	}) (*PageOutput[payout.Destination], error) {
		list, err := a.deps.Payouts.Destinations(ctx, asker(ctx), payout.OfBrand(in.ID))
		if err != nil {
			return nil, err
		}
		return whole(list), nil
	})
	register(a, r.addDestination(), func(ctx context.Context, in *struct {
		ID   id.Brand `path:"id"`
		Body destinationBody
	}) (*Output[payout.Destination], error) {
		return answered(a.deps.Payouts.AddDestination(ctx, asker(ctx), payout.OfBrand(in.ID), in.Body.Password, payout.NewDestination{Account: in.Body.Account}))
	})
	register(a, r.removeDestination(), func(ctx context.Context, in *struct {
		ID          id.Brand       `path:"id"`
		Destination id.Destination `path:"destination"`
	}) (*None, error) {
		return nil, a.deps.Payouts.RemoveDestination(ctx, asker(ctx), payout.OfBrand(in.ID), in.Destination)
	})
	register(a, r.confirmDestination(), func(ctx context.Context, in *struct {
		ID          id.Brand       `path:"id"`
		Destination id.Destination `path:"destination"`
		Body        passwordBody
	}) (*Output[payout.Destination], error) {
		return answered(a.deps.Payouts.ConfirmDestination(ctx, asker(ctx), payout.OfBrand(in.ID), in.Destination, in.Body.Password))
	})
	a.brandHostedAccount()
	register(a, r.schedule(), func(ctx context.Context, in *struct {
		ID id.Brand `path:"id"`
	}) (*Output[payout.Schedule], error) {
		return answered(a.deps.Payouts.Schedule(ctx, asker(ctx), payout.OfBrand(in.ID)))
	})
	register(a, r.putSchedule(), func(ctx context.Context, in *struct {
		ID   id.Brand `path:"id"`
		Body scheduleBody
	}) (*Output[payout.Schedule], error) {
		return answered(a.deps.Payouts.PutSchedule(ctx, asker(ctx), payout.OfBrand(in.ID), payout.Schedule{Every: in.Body.Every, Destination: in.Body.Destination}))
	})
	a.raw(r.statement(), func(w http.ResponseWriter, q *http.Request) error {
		return a.statement(w, q, payout.OfBrand(id.Brand(q.PathValue("id"))))
	})
}

// mine is whoever asks, as one who is paid.
func mine(ctx context.Context) payout.Owner { return payout.OfCreator(asker(ctx).Creator) }

func viewPayee(v payout.PayeeView, err error) (*Tagged[payout.PayeeView], error) {
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, v), nil
}

// statement answers with a statement as JSON or CSV.
func (a *API) statement(w http.ResponseWriter, r *http.Request, o payout.Owner) error {
	q := r.URL.Query()
	from, to, err := payout.StatementTime(q.Get("from"), q.Get("to"), a.opts.Clock.Now())
	if err != nil {
		return err
	}
	asCSV := wantsCSV(r)
	if f := q.Get("format"); f != "" && f != "csv" && f != "json" {
		return fault.InvalidField("query.format", "It is json or csv.")
	}
	s, err := a.deps.Payouts.Statement(r.Context(), asker(r.Context()), o, money.Currency(q.Get("currency")), from, to)
	if err != nil {
		return err
	}
	if asCSV {
		return sendCSV(w, "statement-"+from.Format(time.DateOnly)+".csv", s.CSV())
	}
	return sendJSON(w, s)
}
