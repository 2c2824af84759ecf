package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// registerVouchers adds the routes of those who give vouchers.
func (a *API) registerVouchers() {
	if a.deps.Vouchers == nil {
		return
	}
	read, write := account.ProgramsRead, account.ProgramsWrite
	const terms = "What it takes off never changes afterwards: end it and give another. A code is one giver's for ever."
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/vouchers", Who: Brand, Scope: write, Tag: "vouchers", Status: 201,
		Summary: "Give a voucher of the brand: its own lower price", Description: terms}, a.createVoucher)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/vouchers", Who: Brand, Scope: read, Tag: "vouchers", Summary: "A brand's vouchers, newest first"}, a.brandVouchers)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/vouchers/{voucher_id}", Who: Brand, Scope: read, Tag: "vouchers", Summary: "One voucher of a brand"}, a.brandVoucher)
	register(a, Route{Method: http.MethodPatch, Path: "/brands/{id}/vouchers/{voucher_id}", Who: Brand, Scope: write, Tag: "vouchers",
		Summary: "Change a voucher's title, end or limits, or end it now", Description: "Who holds it in a checkout keeps it."}, a.changeVoucher)
	register(a, Route{Method: http.MethodPost, Path: "/operator/vouchers", Who: Operator, Scope: write, Tag: "operator", Status: 201,
		Summary: "Give a voucher that the platform pays for: brands get their full price", Description: terms}, a.createPlatformVoucher)
	register(a, Route{Method: http.MethodGet, Path: "/operator/vouchers", Who: Operator, Scope: read, Tag: "operator", Summary: "The platform's vouchers, newest first"}, a.platformVouchers)
	register(a, Route{Method: http.MethodPatch, Path: "/operator/vouchers/{id}", Who: Operator, Scope: write, Tag: "operator", Summary: "Change or end a voucher of the platform"}, a.changePlatformVoucher)
	register(a, Route{Method: http.MethodGet, Path: "/me/codes", Who: Creator, Scope: read, Tag: "vouchers", Summary: "The vouchers that are the asker's codes, newest first"}, a.myCodes)
}

// VoucherTerms are what a voucher's giver says. It is exported because the reader of requests skips what is not.
type VoucherTerms struct {
	Code      string        `json:"code" maxLength:"100" example:"TEN-OFF" doc:"3 to 32 letters, digits, - or _; compared without regard to case"`
	Title     string        `json:"title" maxLength:"400" doc:"What shoppers read, at most 80 characters"`
	Kind      voucher.Kind  `json:"kind" enum:"percent,fixed"`
	Rate      money.Bps     `json:"percent_bps,omitempty" minimum:"0" maximum:"10000" doc:"Of a percent voucher: 1000 is 10 %"`
	Off       *money.Amount `json:"amount,omitempty" doc:"Of a fixed voucher"`
	Most      *money.Amount `json:"max_discount,omitempty" doc:"A percent voucher takes off no more"`
	Least     *money.Amount `json:"min_basket,omitempty" doc:"The goods it covers must come to so much; for the platform's, after the brands' vouchers"`
	Products  []id.Product  `json:"product_ids,omitempty" maxItems:"500" nullable:"false" doc:"What it covers; left out: everything of its brand, for the platform's of every brand"`
	StartsAt  *time.Time    `json:"starts_at,omitempty"`
	EndsAt    *time.Time    `json:"ends_at,omitempty"`
	Total     int64         `json:"total_uses,omitempty" minimum:"0" doc:"How often it may be used in all; left out: any number"`
	PerPerson int64         `json:"uses_per_person,omitempty" minimum:"0" doc:"How often one person may use it, by account, browser and e-mail; left out: any number"`
	Listed    bool          `json:"listed,omitempty" doc:"Offer it to every shopper at the bag, without typing its code"`
	Handle    string        `json:"creator_handle,omitempty" maxLength:"60" doc:"Of the creator whose code it is: who types it buys from this creator"`
}

func (b VoucherTerms) given() voucher.New {
	in := voucher.New{Code: b.Code, Title: b.Title, Kind: b.Kind, Rate: b.Rate, Off: b.Off, Most: b.Most, Least: b.Least, Products: b.Products,
		Total: b.Total, PerPerson: b.PerPerson, Listed: b.Listed, Handle: b.Handle}
	if b.StartsAt != nil {
		in.StartsAt = *b.StartsAt
	}
	if b.EndsAt != nil {
		in.EndsAt = *b.EndsAt
	}
	return in
}

// VoucherChange is what of a voucher may change.
type VoucherChange struct {
	Title     *string    `json:"title,omitempty" maxLength:"400"`
	EndsAt    *time.Time `json:"ends_at,omitempty" doc:"0001-01-01T00:00:00Z takes the end away"`
	Total     *int64     `json:"total_uses,omitempty" minimum:"0" doc:"0: any number"`
	PerPerson *int64     `json:"uses_per_person,omitempty" minimum:"0"`
	Listed    *bool      `json:"listed,omitempty"`
	End       bool       `json:"end,omitempty" doc:"End it now"`
}

func (b VoucherChange) change() voucher.Change {
	return voucher.Change{Title: b.Title, EndsAt: b.EndsAt, Total: b.Total, PerPerson: b.PerPerson, Listed: b.Listed, End: b.End}
}

func answerVoucher(v voucher.Voucher, err error) (*Tagged[voucher.Voucher], error) {
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, v), nil
}

func pageOfVouchers(list []voucher.Voucher, limit int, err error) (*PageOutput[voucher.Voucher], error) {
	if err != nil {
		return nil, err
	}
	return page(list, limit, func(v voucher.Voucher) string { return string(v.ID) }), nil
}

func (a *API) createVoucher(ctx context.Context, in *struct {
	ID   id.Brand `path:"id"`
	Body VoucherTerms
}) (*Tagged[voucher.Voucher], error) {
	return answerVoucher(a.deps.Vouchers.Create(ctx, asker(ctx), in.ID, in.Body.given()))
}

func (a *API) createPlatformVoucher(ctx context.Context, in *struct {
	Body struct {
		VoucherTerms
		Currency money.Currency `json:"currency" maxLength:"10" example:"USD"`
	}
}) (*Tagged[voucher.Voucher], error) {
	given := in.Body.given()
	given.Currency = in.Body.Currency
	return answerVoucher(a.deps.Vouchers.Create(ctx, asker(ctx), voucher.Platform, given))
}

func (a *API) brandVouchers(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
	List
}) (*PageOutput[voucher.Voucher], error) {
	return a.vouchersOf(ctx, in.ID, in.List)
}

func (a *API) platformVouchers(ctx context.Context, in *List) (*PageOutput[voucher.Voucher], error) {
	return a.vouchersOf(ctx, voucher.Platform, *in)
}

func (a *API) vouchersOf(ctx context.Context, giver id.Brand, in List) (*PageOutput[voucher.Voucher], error) {
	from, err := after[id.Voucher](in)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Vouchers.List(ctx, asker(ctx), giver, from, in.Limit+1)
	return pageOfVouchers(list, in.Limit, err)
}

func (a *API) myCodes(ctx context.Context, in *List) (*PageOutput[voucher.Voucher], error) {
	from, err := after[id.Voucher](*in)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Vouchers.Mine(ctx, asker(ctx), from, in.Limit+1)
	return pageOfVouchers(list, in.Limit, err)
}

// VoucherOfBrand names a voucher of a brand.
type VoucherOfBrand struct {
	ID      id.Brand   `path:"id"`
	Voucher id.Voucher `path:"voucher_id"`
}

func (a *API) brandVoucher(ctx context.Context, in *VoucherOfBrand) (*Tagged[voucher.Voucher], error) {
	return answerVoucher(a.deps.Vouchers.Voucher(ctx, asker(ctx), in.ID, in.Voucher))
}

func (a *API) changeVoucher(ctx context.Context, in *struct {
	VoucherOfBrand
	Match
	Body VoucherChange
}) (*Tagged[voucher.Voucher], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return answerVoucher(a.deps.Vouchers.Change(ctx, asker(ctx), in.ID, in.Voucher, match, in.Body.change()))
}

func (a *API) changePlatformVoucher(ctx context.Context, in *struct {
	ID id.Voucher `path:"id"`
	Match
	Body VoucherChange
}) (*Tagged[voucher.Voucher], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return answerVoucher(a.deps.Vouchers.Change(ctx, asker(ctx), voucher.Platform, in.ID, match, in.Body.change()))
}
