package api

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"mezzo/internal/fault"
)

// Kinds that only HTTP knows.
const (
	kindMethod      fault.Kind = "method_not_allowed"
	kindMediaType   fault.Kind = "unsupported_media_type"
	kindTimeout     fault.Kind = "timeout"
	kindNoCondition fault.Kind = "precondition_required"
)

// outcome is what a kind of fault becomes.
type outcome struct {
	kind   fault.Kind
	status int
	title  string
	what   string // for the page at /problems/<kind>
}

// outcomes is the one table from faults to HTTP.
var outcomes = [...]outcome{
	{fault.Malformed, 400, "The request cannot be read", "Mend the request's form: its JSON, its headers or its path. Repeating it unchanged will not help."},
	{fault.Unauthorized, 401, "Who asks is not known", "Sign in, or send a valid token as Authorization: Bearer. A token that was revoked or has run out is answered like this too."},
	{fault.Declined, 402, "The payment was declined", "The provider refused the payment. The reservation stands for its time: try another payment method."},
	{fault.Forbidden, 403, "Not allowed", "We know who asks, and they may not do this."},
	{fault.Missing, 404, "Not found", "It does not exist, or it belongs to somebody else: both are answered alike."},
	{kindMethod, 405, "Method not allowed", "The path exists and takes other methods: see the Allow header."},
	{kindTimeout, 408, "The body came too slowly", "Send the request again."},
	{fault.Conflict, 409, "The state has moved on", "What you saw has changed: a price, a stock, a state, or a name that is taken. Read again and decide anew."},
	{fault.Stale, 412, "Changed since you read it", "If-Match names an older version. Read it again and repeat your change."},
	{fault.TooLarge, 413, "Too large", "The request is over a limit, which its detail names."},
	{kindMediaType, 415, "Unsupported media type", "Send application/json."},
	{fault.Invalid, 422, "Not acceptable", "The request can be read, and something in it is not acceptable: see errors. The same Idempotency-Key with another body is answered like this too."},
	{kindNoCondition, 428, "If-Match is needed", "Read the resource first and send its ETag as If-Match, so that nobody's change is lost."},
	{fault.Limited, 429, "Too often", "Wait as long as Retry-After says."},
	{fault.Internal, 500, "Something broke on our side", "It was recorded. Repeat the request with the same Idempotency-Key, or tell the operator the X-Request-Id."},
	{fault.Unavailable, 503, "Not now", "The server is too busy or starting. Repeat the request after Retry-After with the same Idempotency-Key."},
}

func outcomeOf(kind fault.Kind) outcome {
	for _, o := range outcomes {
		if o.kind == kind {
			return o
		}
	}
	return outcomeOf(fault.Internal)
}

func outcomeOfStatus(status int) outcome {
	for _, o := range outcomes {
		if o.status == status {
			return o
		}
	}
	if status >= 400 && status < 500 {
		return outcomeOf(fault.Malformed)
	}
	return outcomeOf(fault.Internal)
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type   string        `json:"type" doc:"/problems/<kind>: what sort of problem, with a page that explains it" example:"/problems/invalid"`
	Title  string        `json:"title" doc:"The kind of problem in words; the same for all of its kind"`
	Status int           `json:"status" doc:"The HTTP status" example:"422"`
	Detail string        `json:"detail" doc:"What happened this time and what to do next"`
	Errors []fault.Field `json:"errors,omitempty" doc:"Each thing wrong with the input: where, and what to do about it"`
	after  time.Duration
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns Retry-After when the client is told to wait.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.after > 0 {
		h.Set("Retry-After", seconds(p.after))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="mezzo"`)
	}
	return h
}

// ContentType returns application/problem+json.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// seconds rounds up, so that a client that waits as told is not told again.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}

// retryDefault is what a client is told to wait when the fault does not say.
const retryDefault = time.Second

// problem turns any error into what the client is told, and logs what it is not told.
func (a *API) problem(ctx context.Context, err error) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		return ready
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		err = tooLarge(large.Limit)
	}
	var f *fault.Fault
	if !errors.As(err, &f) {
		f = fault.Wrap(fault.Internal, err, "Something broke on our side. It was recorded; try again.")
	}
	o := outcomeOf(f.Kind)
	p := &Problem{Type: "/problems/" + string(o.kind), Title: o.title, Status: o.status, Detail: f.Detail, Errors: f.Fields, after: f.RetryAfter}
	if f.Type != "" {
		p.Type = "/problems/" + f.Type
	}
	if p.after == 0 && (f.Kind == fault.Limited || f.Kind == fault.Unavailable) {
		p.after = retryDefault
	}
	if p.Status >= 500 && ctx.Err() == nil {
		a.log.Error("request failed", "request", traceOf(ctx).id, "route", traceOf(ctx).route, "err", err)
	}
	if f.Kind == fault.Internal {
		p.Detail, p.Errors = "Something broke on our side. It was recorded; try again.", nil
	}
	return p
}

// fail writes the problem of an error, unless an answer has already begun.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := a.problem(r.Context(), err)
	if t := traceOf(r.Context()); t.began() {
		return
	}
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Del("Content-Length")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		json.NewEncoder(w).Encode(p)
	}
}

// ours turns huma's own errors (validation, unreadable bodies) into problems like all others.
func ours(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	o := outcomeOfStatus(m.Status)
	p := &Problem{Type: "/problems/" + string(o.kind), Title: o.title, Status: m.Status, Detail: m.Detail}
	switch {
	case m.Status >= 500:
		p.Detail = o.what
		return p, nil
	case m.Status == http.StatusUnprocessableEntity:
		p.Detail = "Something in the request is not acceptable; errors says what."
	case m.Status == http.StatusBadRequest && m.Detail == "validation failed":
		p.Detail = "The body is not JSON that can be read."
	}
	for _, e := range m.Errors {
		if e != nil && len(p.Errors) < maxErrors {
			p.Errors = append(p.Errors, fault.Field{Location: e.Location, Message: e.Message})
		}
	}
	return p, nil
}

// maxErrors bounds how many things wrong are listed: a body can be made of them.
const maxErrors = 20
