package main

import (
	"context"
	"fmt"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/api"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// How often this node does what nobody waits for.
const (
	keysEvery  = time.Minute // keys turned by another node
	pruneEvery = time.Hour
	sealEvery  = time.Second
	tickLease  = 10 * time.Second
	sealLease  = 30 * time.Second
)

// rooms are the uses people meet, joined to each other and to the stores.
type rooms struct {
	keys     *id.Keyring
	accounts *account.Accounts
	api      *api.API
}

// furnish builds the rooms, starts what runs beside them, and opens the door to them.
func (s *server) furnish(ctx context.Context) error {
	d := s.stores.db
	keys, err := account.LoadKeys(ctx, d)
	if err != nil {
		return fmt.Errorf("the signing keys cannot be read: %w", err)
	}
	r := &s.rooms
	r.keys = keys
	r.accounts = account.New(d, keys, account.Options{
		Log: s.log.With("room", "account"), Unlimited: s.conf.NoLimits, Demo: s.conf.demo,
	})
	if err := r.accounts.EnsureOperator(ctx, s.conf.OperatorEmail, s.conf.OperatorPassword); err != nil {
		return fmt.Errorf("the operator of --operator-email could not be made: %w", err)
	}
	r.api = api.New(api.Deps{Accounts: r.accounts}, api.Options{
		Clock: s.stores.clock, Log: s.log.With("room", "api"), Version: version,
		Unlimited: s.conf.NoLimits, TrustProxy: s.conf.TrustProxy, Observe: s.meters.observe,
	})
	s.employ()
	return nil
}

// employ starts what runs beside the requests.
func (s *server) employ() {
	d, log := s.stores.db, s.stores.log
	s.tasks.run("relay", func(ctx context.Context) error { return d.RunRelay(ctx, s.name, factLog{log}) })
	s.tasks.run("ticks", s.leased("ticks", tickLease, log.RunTicks))
	s.tasks.run("seal", s.leased("seal", sealLease, every(sealEvery, func(ctx context.Context) error {
		_, err := ledger.Seal(ctx, d)
		return err
	})))
	s.tasks.run("keys", every(keysEvery, func(ctx context.Context) error { return account.ReloadKeys(ctx, d, s.rooms.keys) }))
	s.tasks.run("prune", every(pruneEvery, func(ctx context.Context) error {
		if _, err := d.PruneIdempotency(ctx); err != nil {
			return err
		}
		_, err := d.PruneJobs(ctx)
		return err
	}))
}
