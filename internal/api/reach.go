package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"mezzo/internal/account"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/rank"
	"mezzo/internal/reach"
)

// SchemaPath is where the JSON schema of a ranking policy stands.
const SchemaPath = Base + "/ranking/policy.schema.json"

// registerReach adds the ranking's policies, how reach came about, and the audit.
func (a *API) registerReach() {
	if a.deps.Reach == nil {
		return
	}
	read := account.MetricsRead
	a.raw(Route{Method: http.MethodGet, Path: "/ranking/policy.schema.json", Who: Public, Tag: "feed", Summary: "The JSON schema of a ranking policy"}, a.policySchema)
	register(a, Route{Method: http.MethodGet, Path: "/ranking/parameters", Who: Public, Tag: "feed", Summary: "What the feed goes by: every weight in force, in plain words",
		Description: "Made of the policies in force. Follower counts, lifetime views and lifetime sales are not among them, and cannot be."}, a.parameters)
	op := func(method, path, summary string) Route {
		r := Route{Method: method, Path: "/operator" + path, Who: Operator, Tag: "operator", Summary: summary}
		if method == http.MethodGet {
			r.Scope = read
		}
		return r
	}
	register(a, op(http.MethodGet, "/policies", "Ranking policies: the newest version of each, with its share of viewers"), a.policies)
	create := op(http.MethodPost, "/policies", "Write down the first version of a policy; it changes nobody's feed until it is in the split")
	create.Status = 201
	register(a, create, a.createPolicy)
	preview := op(http.MethodPost, "/policies/preview", "What other weights would have changed on the last requests")
	preview.Description, preview.Status, preview.Idempotency, preview.Scope = "Each page is drawn by the policy its viewer has and by the one tried, from the same candidates and the same random numbers, on what is known now. Nothing is changed.", 200, Ignored, read
	register(a, preview, a.previewPolicy)
	register(a, op(http.MethodGet, "/policies/{name}", "The newest version of a policy"), a.policy)
	register(a, op(http.MethodPut, "/policies/{name}", "Write down the next version of a policy; If-Match names the newest one seen"), a.putPolicy)
	register(a, op(http.MethodGet, "/policies/{name}/versions", "Every version of a policy, the newest first, by whom and why"), a.policyVersions)
	register(a, op(http.MethodGet, "/split", "Which viewers have which policy now"), a.split)
	register(a, op(http.MethodPut, "/split", "Put versions in force side by side, viewers split by hash; the control has at least 1 %"), a.putSplit)
	back := op(http.MethodPost, "/split/rollback", "Put an earlier split in force again")
	back.Status = 200
	register(a, back, a.rollback)
	register(a, op(http.MethodGet, "/splits", "Every split there was, the newest first"), a.splits)
	register(a, op(http.MethodGet, "/ranking/quality", "How good the predictions are, each judged before it was learned from"), a.quality)
	audit := op(http.MethodPost, "/ranking/audits", "Draw a served page again and compare it to the byte")
	audit.Status, audit.Idempotency, audit.Scope = 200, Ignored, read
	register(a, audit, a.audit)
	a.registerDistribution(op)
}

func (a *API) policySchema(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/schema+json")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	_, err := w.Write(rank.Schema())
	return err
}

type parameterView struct {
	Name   string    `json:"name"`
	Means  string    `json:"means"`
	About  string    `json:"about" doc:"What it belongs to"`
	Unit   string    `json:"unit" doc:"Of its values; part: 1 is all of it"`
	Least  float64   `json:"least"`
	Most   float64   `json:"most"`
	Values []float64 `json:"values" nullable:"false"`
}

type parametersView struct {
	Policies []publicPolicy `json:"policies" nullable:"false" doc:"In force side by side, the largest share first"`
	Control  money.Bps      `json:"control_bps" doc:"Part of viewers whose feed is drawn evenly, to measure the others against"`
	Never    []string       `json:"never" nullable:"false" doc:"What has no part in it"`
}

type publicPolicy struct {
	Name       string          `json:"name"`
	Version    int64           `json:"version"`
	Share      money.Bps       `json:"share_bps"`
	Parameters []parameterView `json:"parameters" nullable:"false"`
}

func (a *API) parameters(ctx context.Context, _ *None) (*Output[parametersView], error) {
	list, control, err := a.deps.Reach.Public(ctx)
	if err != nil {
		return nil, err
	}
	view := parametersView{Policies: []publicPolicy{}, Control: control, Never: reach.Never()}
	for _, v := range list {
		p := publicPolicy{Name: v.Name, Version: v.Version, Share: v.Share, Parameters: []parameterView{}}
		for _, q := range rank.Parameters() {
			p.Parameters = append(p.Parameters, parameterView{q.Name, q.Means, q.About, q.Unit, q.Least, q.Most, q.Values(&v.Weights)})
		}
		view.Policies = append(view.Policies, p)
	}
	return ok(view), nil
}

// PolicyInput names a policy.
type PolicyInput struct {
	Name string `path:"name" maxLength:"40"`
}

type writePolicy struct {
	Weights map[string]any `json:"weights" doc:"A policy by the schema at /api/v1/ranking/policy.schema.json; what is left out is as a new Mezzo has it"`
	Reason  string         `json:"reason" maxLength:"4000" doc:"Stands in the history, at most 1,000 characters"`
}

// text is the weights as JSON, under a name when one is given.
func (w writePolicy) text(name string) ([]byte, error) {
	if w.Weights == nil {
		return nil, fault.InvalidField("body.weights", "A policy is an object of weights.")
	}
	if name != "" {
		if given, there := w.Weights["name"]; there && given != name {
			return nil, fault.InvalidField("body.weights.name", "The path names %s.", name)
		}
		w.Weights["name"] = name
	}
	return json.Marshal(w.Weights)
}

func viewVersion(v reach.Version, err error) (*Tagged[reach.Version], error) {
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, v), nil
}

func (a *API) policies(ctx context.Context, in *struct{ List }) (*PageOutput[reach.Version], error) {
	parts, err := in.parts(1)
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Reach.Policies(ctx, asker(ctx), parts[0], in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(v reach.Version) string { return v.Name }), nil
}

func (a *API) createPolicy(ctx context.Context, in *struct{ Body writePolicy }) (*Tagged[reach.Version], error) {
	text, err := in.Body.text("")
	if err != nil {
		return nil, err
	}
	return viewVersion(a.deps.Reach.CreateVersion(ctx, asker(ctx), 0, text, in.Body.Reason))
}

func (a *API) putPolicy(ctx context.Context, in *struct {
	PolicyInput
	Match
	Body writePolicy
}) (*Tagged[reach.Version], error) {
	if err := asker(ctx).IsOperator(); err != nil {
		return nil, err
	}
	match, err := in.required()
	if err != nil {
		return nil, err
	}
	text, err := in.Body.text(in.Name)
	if err != nil {
		return nil, err
	}
	return viewVersion(a.deps.Reach.CreateVersion(ctx, asker(ctx), match, text, in.Body.Reason))
}

func (a *API) previewPolicy(ctx context.Context, in *struct {
	Body struct {
		Weights  map[string]any `json:"weights"`
		Requests int            `json:"requests,omitempty" minimum:"1" maximum:"256" default:"100"`
	}
}) (*Output[rank.Preview], error) {
	text, err := writePolicy{Weights: in.Body.Weights}.text("")
	if err != nil {
		return nil, err
	}
	return answered(a.deps.Reach.Preview(ctx, asker(ctx), text, in.Body.Requests))
}

func (a *API) policy(ctx context.Context, in *PolicyInput) (*Tagged[reach.Version], error) {
	return viewVersion(a.deps.Reach.Version(ctx, asker(ctx), in.Name, 0))
}

// before reads a cursor that is a number.
func (l List) before() (int64, error) {
	parts, err := l.parts(1)
	if err != nil || parts[0] == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || n < 1 {
		return 0, badCursor()
	}
	return n, nil
}

func (a *API) policyVersions(ctx context.Context, in *struct {
	PolicyInput
	List
}) (*PageOutput[reach.Version], error) {
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Reach.Versions(ctx, asker(ctx), in.Name, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(v reach.Version) string { return strconv.FormatInt(v.Version, 10) }), nil
}

func viewSplit(s reach.Split, err error) (*Tagged[reach.Split], error) {
	if err != nil {
		return nil, err
	}
	return tagged(s.Number, s), nil
}

func (a *API) split(ctx context.Context, _ *None) (*Tagged[reach.Split], error) {
	return viewSplit(a.deps.Reach.InForce(ctx, asker(ctx)))
}

func (a *API) putSplit(ctx context.Context, in *struct {
	Match
	Body struct {
		Shares []reach.Share `json:"shares" minItems:"1" maxItems:"8" nullable:"false" doc:"They add up to 10000"`
		Reason string        `json:"reason" maxLength:"4000"`
	}
}) (*Tagged[reach.Split], error) {
	if err := asker(ctx).IsOperator(); err != nil {
		return nil, err
	}
	match, err := in.required()
	if err != nil {
		return nil, err
	}
	return viewSplit(a.deps.Reach.Activate(ctx, asker(ctx), match, in.Body.Shares, in.Body.Reason))
}

func (a *API) rollback(ctx context.Context, in *struct {
	Match
	Body struct {
		To     int64  `json:"to" minimum:"1" doc:"The number of the split that is to be in force again"`
		Reason string `json:"reason" maxLength:"4000"`
	}
}) (*Tagged[reach.Split], error) {
	if err := asker(ctx).IsOperator(); err != nil {
		return nil, err
	}
	match, err := in.required()
	if err != nil {
		return nil, err
	}
	return viewSplit(a.deps.Reach.Rollback(ctx, asker(ctx), match, in.Body.To, in.Body.Reason))
}

func (a *API) splits(ctx context.Context, in *struct{ List }) (*PageOutput[reach.Split], error) {
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	list, err := a.deps.Reach.Splits(ctx, asker(ctx), before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return page(list, in.Limit, func(s reach.Split) string { return strconv.FormatInt(s.Number, 10) }), nil
}

type qualityView struct {
	Settled uint64          `json:"impressions_settled"`
	Heads   []reach.Quality `json:"heads" nullable:"false"`
}

func (a *API) quality(ctx context.Context, _ *None) (*Output[qualityView], error) {
	list, settled, err := a.deps.Reach.Qualities(ctx, asker(ctx))
	return answered(qualityView{settled, list}, err)
}

func (a *API) audit(ctx context.Context, in *struct {
	Body struct {
		Request id.Request `json:"request_id" maxLength:"40" doc:"Of the page: req_…"`
		Replay  bool       `json:"replay,omitempty" doc:"Also from a snapshot and the log, which takes seconds to minutes"`
	}
}) (*Output[reach.Audit], error) {
	return answered(a.deps.Reach.AuditPage(ctx, asker(ctx), in.Body.Request, in.Body.Replay))
}
