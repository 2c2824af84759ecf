package api

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// registerAffiliate adds the routes of API.md §4, the earnings of §8 and the attribution of §7.
func (a *API) registerAffiliate() {
	if a.deps.Affiliate == nil {
		return
	}
	read, write, content := account.ProgramsRead, account.ProgramsWrite, account.ContentWrite
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/programs", Who: Brand, Scope: write, Tag: "programs", Status: 201, Summary: "Open a program for those who promote"}, a.createProgram)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/programs", Who: Brand, Scope: read, Tag: "programs", Summary: "A brand's own programs, ended ones too"}, a.brandPrograms)
	register(a, Route{Method: http.MethodPatch, Path: "/programs/{id}", Who: Brand, Scope: write, Tag: "programs", Summary: "Change a program; those already promoting keep for 30 days what is made worse"}, a.updateProgram)
	register(a, Route{Method: http.MethodGet, Path: "/programs/{id}", Who: Account, Scope: read, Tag: "programs", Summary: "A program as the asker may see it"}, a.program)
	register(a, Route{Method: http.MethodGet, Path: "/programs", Who: Account, Scope: read, Tag: "programs", Summary: "The creators' marketplace: programs the asker could join"}, a.marketplace)
	register(a, Route{Method: http.MethodGet, Path: "/me/showcase", Who: Creator, Scope: read, Tag: "programs", Summary: "What the asker promotes, and what it earns"}, a.myShowcase)
	register(a, Route{Method: http.MethodPut, Path: "/me/showcase/{product_id}", Who: Creator, Scope: content, Tag: "programs", Summary: "Promote a product: this accepts its program and freezes the rate lock"}, a.putShowcase)
	register(a, Route{Method: http.MethodDelete, Path: "/me/showcase/{product_id}", Who: Creator, Scope: content, Tag: "programs", Summary: "Promote a product no more"}, a.deleteShowcase)
	register(a, Route{Method: http.MethodGet, Path: "/creators/{handle}/showcase", Who: Public, Tag: "programs", Summary: "A creator's shelf"}, a.creatorShowcase)
	register(a, Route{Method: http.MethodGet, Path: "/me/earnings", Who: Creator, Scope: account.MoneyRead, Tag: "earning", Summary: "The asker's commissions added up"}, a.earnings)
	register(a, Route{Method: http.MethodGet, Path: "/me/commissions", Who: Creator, Scope: account.MoneyRead, Tag: "earning", Summary: "Each commission down to its order line"}, a.commissions)
	register(a, Route{Method: http.MethodGet, Path: "/me/attributions", Who: Creator, Scope: account.MoneyRead, Tag: "earning", Summary: "Sales that the asker's touches led to, won or lost, and why",
		Description: "Who bought is not told. GET /orders/{id}/attribution shows each touch of yours and by what it lost."}, a.attributions)
	register(a, Route{Method: http.MethodGet, Path: "/orders/{id}/attribution", Who: Public, Tag: "buying", Summary: "Who each line is owed to and why, as far as the asker may know",
		Description: "The buyer finds who earned; a creator their own touches and the number of others; a brand the creators of its programs, times to the day; the operator all."}, a.attribution)
}

// productSet is a list of products, or all of the brand's.
type productSet struct {
	all  bool
	list []id.Product
}

// UnmarshalJSON reads "all" or a list of ids.
func (s *productSet) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		s.all = word == "all"
		return nil
	}
	return json.Unmarshal(b, &s.list)
}

// Schema says so in the contract.
func (productSet) Schema(r huma.Registry) *huma.Schema {
	most := affiliate.MaxProducts
	ids := r.Schema(reflect.TypeFor[id.Product](), false, "")
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString, Enum: []any{"all"}}, {Type: huma.TypeArray, Items: ids, MaxItems: &most}},
		Description: `Ids of products, or "all" of the brand's`}
}

type createProgramInput struct {
	ID   id.Brand `path:"id"`
	Body struct {
		Kind        affiliate.Kind `json:"kind" enum:"open,targeted"`
		Name        string         `json:"name" maxLength:"400" doc:"At most 100 characters"`
		Rate        money.Bps      `json:"commission_bps" minimum:"100" maximum:"8000" example:"1500" doc:"Basis points: 1500 is 15 %"`
		Indirect    money.Bps      `json:"indirect_bps,omitempty" minimum:"0" maximum:"8000" default:"0" doc:"Where a click on one product led to another of the brand"`
		WindowHours int64          `json:"window_hours,omitempty" minimum:"1" maximum:"2160" default:"336"`
		HoldDays    *int64         `json:"hold_days,omitempty" minimum:"0" maximum:"60" doc:"15 when left out"`
		Products    productSet     `json:"product_ids"`
		Handles     []string       `json:"creator_handles,omitempty" nullable:"false" maxItems:"1000" doc:"Of a targeted program"`
		StartsAt    *time.Time     `json:"starts_at,omitempty"`
		EndsAt      *time.Time     `json:"ends_at,omitempty"`
		Budget      *money.Amount  `json:"budget,omitempty" doc:"What commissions may come to: never more. A fifth of it is kept for clicks made before the rest was spent"`
		Samples     *SampleOffer   `json:"samples,omitempty" doc:"Free samples for those who promote; left out: none"`
	}
}

func (a *API) createProgram(ctx context.Context, in *createProgramInput) (*Tagged[affiliate.Program], error) {
	b := in.Body
	n := affiliate.NewProgram{Kind: b.Kind, Name: b.Name, Rate: b.Rate, Indirect: b.Indirect, WindowHours: b.WindowHours, HoldDays: b.HoldDays,
		All: b.Products.all, Products: b.Products.list, Handles: b.Handles, Budget: b.Budget, Samples: b.Samples.terms()}
	if b.StartsAt != nil {
		n.StartsAt = *b.StartsAt
	}
	if b.EndsAt != nil {
		n.EndsAt = *b.EndsAt
	}
	return viewProgram(a.deps.Affiliate.CreateProgram(ctx, asker(ctx), in.ID, n))
}

func viewProgram(p affiliate.Program, err error) (*Tagged[affiliate.Program], error) {
	if err != nil {
		return nil, err
	}
	return tagged(p.Version, p), nil
}

type updateProgramInput struct {
	ID id.Program `path:"id"`
	Match
	Body struct {
		Name        *string       `json:"name,omitempty" maxLength:"400"`
		Rate        *money.Bps    `json:"commission_bps,omitempty" minimum:"100" maximum:"8000"`
		Indirect    *money.Bps    `json:"indirect_bps,omitempty" minimum:"0" maximum:"8000"`
		WindowHours *int64        `json:"window_hours,omitempty" minimum:"1" maximum:"2160"`
		HoldDays    *int64        `json:"hold_days,omitempty" minimum:"0" maximum:"60"`
		Products    *productSet   `json:"product_ids,omitempty"`
		Handles     *[]string     `json:"creator_handles,omitempty" maxItems:"1000"`
		StartsAt    *time.Time    `json:"starts_at,omitempty"`
		EndsAt      *time.Time    `json:"ends_at,omitempty" doc:"0001-01-01T00:00:00Z takes the end away"`
		Budget      *money.Amount `json:"budget,omitempty" doc:"More is a top-up, which opens it again; an amount of 0 takes the budget away"`
		Samples     *SampleOffer  `json:"samples,omitempty" doc:"Of samples asked for from now on"`
	}
}

func (a *API) updateProgram(ctx context.Context, in *updateProgramInput) (*Tagged[affiliate.Program], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	b := in.Body
	ch := affiliate.ProgramChange{Name: b.Name, Rate: b.Rate, Indirect: b.Indirect, WindowHours: b.WindowHours, HoldDays: b.HoldDays, Handles: b.Handles,
		StartsAt: b.StartsAt, EndsAt: b.EndsAt, Budget: b.Budget, Samples: b.Samples.terms()}
	if b.Products != nil {
		ch.All = &b.Products.all
		if !b.Products.all {
			ch.Products = &b.Products.list
		}
	}
	return viewProgram(a.deps.Affiliate.UpdateProgram(ctx, asker(ctx), in.ID, match, ch))
}

func (a *API) program(ctx context.Context, in *struct {
	ID id.Program `path:"id"`
}) (*Tagged[affiliate.Listing], error) {
	l, err := a.deps.Affiliate.Program(ctx, asker(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, l), nil
}

func (a *API) brandPrograms(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
	List
}) (*PageOutput[affiliate.Program], error) {
	from, err := after[id.Program](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Affiliate.BrandPrograms(ctx, asker(ctx), in.ID, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(p affiliate.Program) string { return string(p.ID) }), nil
}

func (a *API) marketplace(ctx context.Context, in *struct {
	List
	Q    string          `query:"q" maxLength:"200" doc:"Words of a program, brand or product"`
	Sort affiliate.Order `query:"sort" enum:"epc,cvr,commission,new" default:"new" doc:"What has not been measured yet stands behind what has, newest first"`
}) (*PageOutput[affiliate.Listing], error) {
	parts, err := in.parts(2)
	if err != nil {
		return nil, err
	}
	m := affiliate.Market{Q: in.Q, Sort: in.Sort, After: id.Program(parts[0]), Limit: in.Limit + 1}
	if parts[0] != "" {
		key, err := strconv.ParseFloat(parts[1], 64)
		if err != nil || math.IsNaN(key) || !m.After.Valid() {
			return nil, badCursor()
		}
		m.AfterRate, m.AfterKey = money.Bps(key), key
	}
	list, err := a.deps.Affiliate.Marketplace(ctx, asker(ctx), m)
	if err != nil {
		return nil, err
	}
	out := page(list, in.Limit, func(l affiliate.Listing) string { return string(l.ID) })
	if out.Body.Next != nil {
		last := list[in.Limit-1]
		key := last.SortKey()
		if in.Sort == affiliate.ByCommission {
			key = float64(last.Rate)
		}
		next := cursor(string(last.ID), strconv.FormatFloat(key, 'g', -1, 64))
		out.Body.Next = &next
	}
	return out, nil
}

type showcaseView struct {
	ID         id.Showcase      `json:"id"`
	Impression string           `json:"impression,omitempty" doc:"The token of this showing: send it with what the viewer does"`
	Product    productView      `json:"product"`
	AcceptedAt time.Time        `json:"accepted_at"`
	Terms      *affiliate.Terms `json:"terms,omitempty" doc:"For the creator: what it would earn now; left out when nobody pays for it"`
}

// viewShowcase makes the views of a shelf's items, each with a token for who may see it as a shopper.
func (a *API) viewShowcase(ctx context.Context, items []affiliate.Item, shown bool) ([]showcaseView, error) {
	products := make([]catalog.Product, len(items))
	for i := range items {
		products[i] = items[i].Product
	}
	pictured, err := a.viewProducts(ctx, products)
	if err != nil {
		return nil, err
	}
	views, hand := make([]showcaseView, len(items)), a.hand(asker(ctx), id.SurfaceShowcase)
	for i, item := range items {
		views[i] = showcaseView{ID: item.ID, Product: pictured[i], AcceptedAt: item.AcceptedAt, Terms: item.Terms}
		if shown {
			views[i].Impression = hand.Shelf(item.ID)
		}
	}
	return views, nil
}

func (a *API) pageShowcase(ctx context.Context, items []affiliate.Item, err error, limit int, shown bool) (*PageOutput[showcaseView], error) {
	if err != nil {
		return nil, err
	}
	views, err := a.viewShowcase(ctx, items, shown)
	if err != nil {
		return nil, err
	}
	return page(views, limit, func(v showcaseView) string { return string(v.ID) }), nil
}

func (a *API) myShowcase(ctx context.Context, in *struct{ List }) (*PageOutput[showcaseView], error) {
	from, err := after[id.Showcase](in.List)
	if err != nil {
		return nil, err
	}
	items, err := a.deps.Affiliate.MyShowcase(ctx, asker(ctx), from, in.Limit+1)
	return a.pageShowcase(ctx, items, err, in.Limit, false)
}

func (a *API) creatorShowcase(ctx context.Context, in *struct {
	HandleInput
	List
}) (*PageOutput[showcaseView], error) {
	from, err := after[id.Showcase](in.List)
	if err != nil {
		return nil, err
	}
	creator, err := a.deps.Accounts.CreatorByHandle(ctx, in.Handle)
	if err != nil {
		return nil, err
	}
	items, err := a.deps.Affiliate.CreatorShowcase(ctx, creator.ID, from, in.Limit+1)
	return a.pageShowcase(ctx, items, err, in.Limit, true)
}

type shelfInput struct {
	Product id.Product `path:"product_id"`
}

func (a *API) putShowcase(ctx context.Context, in *shelfInput) (*Output[showcaseView], error) {
	item, err := a.deps.Affiliate.PutShowcase(ctx, asker(ctx), in.Product)
	if err != nil {
		return nil, err
	}
	views, err := a.viewShowcase(ctx, []affiliate.Item{item}, false)
	if err != nil {
		return nil, err
	}
	return ok(views[0]), nil
}

func (a *API) deleteShowcase(ctx context.Context, in *shelfInput) (*None, error) {
	return nil, a.deps.Affiliate.DeleteShowcase(ctx, asker(ctx), in.Product)
}

func (a *API) earnings(ctx context.Context, _ *None) (*Output[affiliate.Earnings], error) {
	return answered(a.deps.Affiliate.Earnings(ctx, asker(ctx)))
}

func (a *API) commissions(ctx context.Context, in *struct {
	List
	State affiliate.CommissionState `query:"state" enum:"pending,available,paid,reversed"`
}) (*PageOutput[affiliate.Earned], error) {
	from, err := after[id.Commission](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Affiliate.Commissions(ctx, asker(ctx), in.State, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(c affiliate.Earned) string { return string(c.ID) }), nil
}

func (a *API) attribution(ctx context.Context, in *orderInput) (*PageOutput[affiliate.LineReceipt], error) {
	buyer := false
	if token := in.token(); token != "" && a.deps.Orders != nil {
		ord, err := a.deps.Orders.Order(ctx, asker(ctx), in.ID, token)
		if err != nil {
			return nil, err
		}
		buyer = ord.Asker == order.AsBuyer
	}
	list, err := a.deps.Affiliate.Attribution(ctx, asker(ctx), in.ID, buyer)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

func (a *API) attributions(ctx context.Context, in *struct {
	List
	Outcome affiliate.Contended `query:"outcome" enum:"won,lost"`
}) (*PageOutput[affiliate.Contention], error) {
	from, err := after[id.Line](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Affiliate.Contentions(ctx, asker(ctx), in.Outcome, from, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(c affiliate.Contention) string { return string(c.Line) }), nil
}
