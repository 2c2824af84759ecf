package api

import (
	"context"
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/id"
	"mezzo/internal/reach"
)

// registerDistribution adds how a video's reach came about, and what its creator holds against it.
func (a *API) registerDistribution(op func(method, path, summary string) Route) {
	register(a, Route{Method: http.MethodGet, Path: "/videos/{id}/distribution", Who: Account, Scope: account.MetricsRead, Tag: "content", Summary: "How an own video's reach came about",
		Description: "Its stage, the impressions in it, the belief behind the next decision, and every past decision with its reason; the operator also sees what they rest on. No follower term exists. Others find nothing."}, a.distribution)
	register(a, Route{Method: http.MethodPost, Path: "/videos/{id}/distribution/disputes", Who: Creator, Scope: account.ContentWrite, Tag: "content", Status: 201,
		Summary: "Hold something against how an own video was distributed; the operator answers"}, a.contest)
	register(a, op(http.MethodGet, "/distribution_disputes", "What creators hold against how videos were distributed"), a.disputes)
	answer := op(http.MethodPost, "/distribution_disputes/{id}/answer", "Answer a dispute; its creator reads it")
	answer.Status = 200
	register(a, answer, a.answerDispute)
}

func (a *API) distribution(ctx context.Context, in *VideoInput) (*Output[reach.Distribution], error) {
	return answered(a.deps.Reach.Distribution(ctx, asker(ctx), in.ID))
}

func (a *API) contest(ctx context.Context, in *struct {
	VideoInput
	Body struct {
		Reason string `json:"reason" maxLength:"4000" doc:"At most 1,000 characters"`
	}
}) (*Output[reach.Dispute], error) {
	return answered(a.deps.Reach.Contest(ctx, asker(ctx), in.ID, in.Body.Reason))
}

func (a *API) disputes(ctx context.Context, in *struct {
	List
	State string `query:"state" enum:"open,answered" default:"open"`
}) (*PageOutput[reach.Dispute], error) {
	from, err := after[id.Event](in.List)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Reach.Disputes(ctx, asker(ctx), in.State == "answered", string(from), in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(d reach.Dispute) string { return d.ID }), nil
}

func (a *API) answerDispute(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"40"`
	Body struct {
		Answer string `json:"answer" maxLength:"4000" doc:"At most 1,000 characters"`
	}
}) (*Output[reach.Dispute], error) {
	return answered(a.deps.Reach.Answer(ctx, asker(ctx), in.ID, in.Body.Answer))
}
