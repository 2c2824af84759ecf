package api

import (
	"context"
	"net/http"
	"time"

	"mezzo/internal/fault"
)

// registerSandbox adds the turning of the clock (API.md §11), where the clock can be turned.
func (a *API) registerSandbox() {
	if a.deps.Turn == nil {
		return
	}
	// The clock is kept in a file, beside the stores, where no key can be kept with it.
	register(a, Route{Method: http.MethodPost, Path: "/sandbox/clock", Who: Operator, Tag: "sandbox", Status: 200, Idempotency: Ignored,
		Summary: "Turn the shop's clock forward, so that holds and timers can be tried"}, a.turnClock)
}

type clockView struct {
	Now time.Time `json:"now"`
}

func (a *API) turnClock(_ context.Context, in *struct {
	Body struct {
		Advance int64 `json:"advance_seconds" minimum:"0" maximum:"315360000"`
	}
}) (*Output[clockView], error) {
	if err := a.deps.Turn(time.Duration(in.Body.Advance) * time.Second); err != nil {
		return nil, fault.New(fault.Conflict, "The clock was not turned: %v.", err)
	}
	return ok(clockView{a.opts.Clock.Now()}), nil
}
