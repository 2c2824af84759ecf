package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
	"mezzo/internal/sample"
)

// registerSamples adds the routes of free samples, API.md §4.
func (a *API) registerSamples() {
	if a.deps.Samples == nil {
		return
	}
	read, write, content := account.ProgramsRead, account.ProgramsWrite, account.ContentWrite
	const states = "requested → approved or declined → shipped → delivered → fulfilled by a video of the creator's that tags the product, or overdue. Nothing of it is a sale: no commission, no number counts it."
	register(a, Route{Method: http.MethodPost, Path: "/samples", Who: Creator, Scope: content, Tag: "samples", Status: 201, Summary: "Ask a brand for a free sample of a product you promote",
		Description: "What the program says of content and charge when you ask holds for this sample. " + states}, a.askSample)
	register(a, Route{Method: http.MethodGet, Path: "/me/samples", Who: Creator, Scope: read, Tag: "samples", Summary: "The asker's samples, newest first"}, a.mySamples)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/samples", Who: Brand, Scope: read, Tag: "samples", Summary: "What creators asked a brand for, newest first"}, a.brandSamples)
	register(a, Route{Method: http.MethodGet, Path: "/samples/{id}", Who: Account, Scope: read, Tag: "samples", Summary: "One sample, for its creator and its brand", Description: states}, a.sample)
	register(a, Route{Method: http.MethodPost, Path: "/samples/{id}/decision", Who: Brand, Scope: write, Tag: "samples", Summary: "Approve or decline a request",
		Description: "An approval sets a unit of the stock aside for 7 days. Nobody's answer within 7 days declines."}, a.decideSample)
	register(a, Route{Method: http.MethodPost, Path: "/samples/{id}/shipment", Who: Brand, Scope: write, Tag: "samples", Summary: "Say that an approved sample is on its way: its unit leaves the stock"}, a.shipSample)
	register(a, Route{Method: http.MethodPost, Path: "/samples/{id}/return", Who: Brand, Scope: write, Tag: "samples", Summary: "Say that a sample came back: no content is due for it any more"}, a.returnSample)
	register(a, Route{Method: http.MethodPost, Path: "/samples/{id}/receipt", Who: Creator, Scope: content, Tag: "samples", Summary: "Say that a sample has come: its days run from now",
		Description: "Of which nothing is said for 14 days after it was sent counts as come."}, a.receiveSample)
	register(a, Route{Method: http.MethodPost, Path: "/samples/{id}/loss", Who: Creator, Scope: content, Tag: "samples", Summary: "Say that a sample never came: nothing is due for it"}, a.loseSample)
	register(a, Route{Method: http.MethodPost, Path: "/samples/{id}/cancellation", Who: Account, AnyToken: true, Tag: "samples", Summary: "Call off what is not sent yet: its creator, or its brand once it has approved it"}, a.cancelSample)
}

// SampleOffer is what a brand says of a program's free samples. It is exported because the reader of requests skips what is not.
type SampleOffer struct {
	Units   int64 `json:"units" minimum:"0" maximum:"10000" doc:"Given in all; 0 takes the offer away"`
	Days    int64 `json:"days,omitempty" minimum:"1" maximum:"90" default:"14" doc:"A video that tags the product is due so many days after arrival"`
	Charged bool  `json:"charged,omitempty" doc:"Who publishes none in time pays the price; creators agree to the amount when they ask"`
}

func (o *SampleOffer) terms() *affiliate.SampleTerms {
	if o == nil {
		return nil
	}
	return &affiliate.SampleTerms{Units: o.Units, Days: o.Days, Charged: o.Charged}
}

func (a *API) askSample(ctx context.Context, in *struct {
	Body struct {
		Program id.Program    `json:"program_id"`
		Variant id.Variant    `json:"variant_id"`
		Address order.Address `json:"address"`
		Note    string        `json:"note,omitempty" maxLength:"2000" doc:"To the brand, at most 500 characters"`
		Charge  *money.Amount `json:"charge,omitempty" doc:"Where the program charges: the price, to which you agree so"`
	}
}) (*Output[sample.Sample], error) {
	b := in.Body
	return answered(a.deps.Samples.Request(ctx, asker(ctx), sample.Ask{Program: b.Program, Variant: b.Variant, Address: b.Address, Note: b.Note, Charge: b.Charge}))
}

func pageOfSamples(list []sample.Sample, limit int, err error) (*PageOutput[sample.Sample], error) {
	if err != nil {
		return nil, err
	}
	return page(list, limit, func(s sample.Sample) string { return string(s.ID) }), nil
}

func (a *API) mySamples(ctx context.Context, in *struct {
	List
	State sample.State `query:"state" enum:"requested,approved,declined,cancelled,shipped,delivered,lost,returned,fulfilled,overdue"`
}) (*PageOutput[sample.Sample], error) {
	from, err := after[id.Sample](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Samples.Mine(ctx, asker(ctx), in.State, from, in.Limit+1)
	return pageOfSamples(list, in.Limit, err)
}

func (a *API) brandSamples(ctx context.Context, in *struct {
	ID id.Brand `path:"id"`
	List
	State sample.State `query:"state" enum:"requested,approved,declined,cancelled,shipped,delivered,lost,returned,fulfilled,overdue"`
}) (*PageOutput[sample.Sample], error) {
	from, err := after[id.Sample](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Samples.OfBrand(ctx, asker(ctx), in.ID, in.State, from, in.Limit+1)
	return pageOfSamples(list, in.Limit, err)
}

type sampleInput struct {
	ID id.Sample `path:"id"`
}

func (a *API) sample(ctx context.Context, in *sampleInput) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.Sample(ctx, asker(ctx), in.ID))
}

func (a *API) decideSample(ctx context.Context, in *struct {
	ID   id.Sample `path:"id"`
	Body struct {
		Approve bool   `json:"approve"`
		Reason  string `json:"reason,omitempty" maxLength:"2000" doc:"Why it is declined; the creator reads it"`
	}
}) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.Decide(ctx, asker(ctx), in.ID, in.Body.Approve, in.Body.Reason))
}

func (a *API) shipSample(ctx context.Context, in *struct {
	ID   id.Sample `path:"id"`
	Body struct {
		Carrier  string       `json:"carrier,omitempty" maxLength:"80" doc:"Left out with a label, which names it"`
		Tracking string       `json:"tracking,omitempty" maxLength:"80"`
		Label    id.LabelRate `json:"label_rate_id,omitempty" maxLength:"40" doc:"The platform's label it goes with, of /brands/{id}/labels: it is paid at once from what is available to the brand, then from what is kept back of it"`
	}
}) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.Ship(ctx, asker(ctx), in.ID, sample.Parcel{Carrier: in.Body.Carrier, Tracking: in.Body.Tracking, Label: in.Body.Label}))
}

func (a *API) returnSample(ctx context.Context, in *struct {
	ID   id.Sample `path:"id"`
	Body struct {
		Restock bool `json:"restock" doc:"Whether it is for sale again"`
	}
}) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.TakeBack(ctx, asker(ctx), in.ID, in.Body.Restock))
}

func (a *API) receiveSample(ctx context.Context, in *sampleInput) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.Receive(ctx, asker(ctx), in.ID))
}

func (a *API) loseSample(ctx context.Context, in *sampleInput) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.Missing(ctx, asker(ctx), in.ID))
}

func (a *API) cancelSample(ctx context.Context, in *struct {
	ID   id.Sample `path:"id"`
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"2000" doc:"A brand says why"`
	}
}) (*Output[sample.Sample], error) {
	return answered(a.deps.Samples.Withdraw(ctx, asker(ctx), in.ID, in.Body.Reason))
}
