package demo

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"mezzo/internal/client"
)

// What goes on once the demo is whole: a gentle, bounded stir.
const (
	stirring   = 6    // shoppers at once
	maxOrders  = 3000 // in all; beyond it they look and do not buy
	maxRemarks = 400  // likewise of likes and comments of the living part
	packEvery  = 15 * time.Second
	packAfter  = 2 * time.Minute // an order waits for its brand, a parcel for its delivery
	oops       = 3 * time.Second // pause after a failure
)

// Stir lets simulated shoppers go on and brands ship until ctx ends. Failures are told to note and
// gone over.
func (w *World) Stir(ctx context.Context, note func(error)) error {
	var all sync.WaitGroup
	share := len(w.shoppers) / stirring
	for n := range stirring {
		all.Go(func() {
			crowd, turn := w.shoppers[n*share:(n+1)*share], 0
			for ctx.Err() == nil {
				s := crowd[turn%len(crowd)]
				turn++
				w.forgive(ctx, note, func() error { return s.signIn(ctx, w.o.Password) }, w.visitNow(ctx, s))
			}
		})
	}
	all.Go(func() {
		for w.pause(ctx, packEvery) == nil {
			for _, b := range w.brands {
				w.forgive(ctx, note, func() (err error) {
					b.Client, err = w.nobody.SignIn(ctx, b.email, w.o.Password)
					return err
				}, w.packNow(ctx, b))
			}
		}
	})
	all.Wait()
	return ctx.Err()
}

// forgive notes a failure, signs in again whom the server no longer knows, and waits a little.
func (w *World) forgive(ctx context.Context, note func(error), signIn func() error, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	note(err)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusUnauthorized {
		if err := signIn(); err != nil && ctx.Err() == nil {
			note(err)
		}
	}
	w.pause(ctx, oops)
}

// visitNow is a visit in real time: each video is watched as long as it says.
func (w *World) visitNow(ctx context.Context, s *shopper) error {
	v, err := w.come(ctx, s)
	if err != nil {
		return err
	}
	if len(v.items) == 0 {
		return w.pause(ctx, oops)
	}
	for _, item := range v.items {
		events, took := w.watch(v, item, w.now())
		if err := w.pause(ctx, took); err != nil {
			return err
		}
		if _, err := s.SendEvents(ctx, events...); err != nil {
			return err
		}
		if len(events) > 1 && w.Status().Sessions < maxRemarks {
			if err := w.react(ctx, v, item); err != nil {
				return err
			}
		}
	}
	w.change(func(s *Status) { s.Sessions++ })
	if w.Status().Orders >= maxOrders {
		return nil
	}
	_, err = w.decide(ctx, v, sale{})
	return err
}

// packNow ships and delivers what has waited long enough, whoever ordered it. The orders of the past
// are left to who looks around.
func (w *World) packNow(ctx context.Context, b *brand) error {
	before := w.now().Add(-packAfter)
	paid, err := b.BrandOrders(ctx, b.id, "paid")
	if err != nil {
		return err
	}
	for _, o := range paid {
		if o.PlacedAt.Before(before) && o.PlacedAt.After(w.whole) {
			if _, err := w.ship(ctx, b, o); err != nil && !errors.Is(err, errNothing) {
				return err
			}
		}
	}
	shipped, err := b.BrandOrders(ctx, b.id, "shipped")
	if err != nil {
		return err
	}
	for _, o := range shipped {
		for _, s := range o.Shipments {
			if o.PlacedAt.After(w.whole) && s.ShippedAt.Before(before) && s.State != "delivered" {
				if err := b.Deliver(ctx, s.ID); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
