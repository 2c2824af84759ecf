package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"mezzo/internal/payout"
)

// newPayouts joins the room in which money leaves. Where the keys of the payees cannot be read the shop opens
// all the same: it sells, and pays nobody until the file is back.
func (s *server) newPayouts(ctx context.Context) *payout.Payouts {
	r := &s.rooms
	vault, err := payout.OpenVault(ctx, s.stores.db, s.conf.payeeKeys(s.stores.folder))
	if err != nil {
		s.log.Error("nobody can be paid: the keys of the payees could not be read", "error", err)
		vault = payout.LockedVault(err)
	}
	rails := []payout.Rail{nil, payout.Manual(cmp.Or(s.conf.PayoutBank, "main"))}
	if r.stripe != nil {
		rails[0] = payout.Stripe(r.stripe)
	} else {
		rails[0] = payout.Sandbox(r.sandbox)
	}
	if s.conf.PayoutRail == "manual" {
		rails[0], rails[1] = rails[1], rails[0]
	}
	return payout.New(s.stores.db, payout.Options{Vault: vault, Rails: rails, Prove: r.accounts.Prove, Report: r.provider(), Log: s.log.With("room", "payout")})
}

// payeeKeys is where the keys are that open who is paid.
func (f *storeFlags) payeeKeys(dir *folder) string {
	if f.PayeeKeys != "" {
		return f.PayeeKeys
	}
	return dir.file(payout.VaultFile)
}

// sweepPayouts finishes what time and crashes have left of payouts, and compares the books with the provider
// once a day; what fails is tried again.
func (s *server) sweepPayouts(ctx context.Context) error {
	err := errors.Join(s.rooms.payouts.Sweep(ctx), s.rooms.payouts.ReconcileDue(ctx))
	if err != nil && ctx.Err() == nil {
		s.log.Warn("part of the payout sweep failed and will be tried again", "error", err)
	}
	return nil
}

type rotatePayees struct{ storeFlags }

// Run seals who is paid and where to with a new key.
func (c *rotatePayees) Run(ctx context.Context, log *slog.Logger, out io.Writer) error {
	if err := needShop(c.storeFlags); err != nil {
		return err
	}
	s, err := openDatabase(ctx, c.storeFlags, log)
	if err != nil {
		return err
	}
	path := c.payeeKeys(s.folder)
	rows, err := payout.TurnVault(ctx, s.db, path)
	if err != nil {
		return errors.Join(fmt.Errorf("the keys were not turned: %w; run it again, what was done stays", err), s.Close())
	}
	fmt.Fprintf(out, "%d records are sealed with a new key. %s holds it, and those before it, which open older backups. Copy it to every server of this Mezzo.\n", rows, path)
	return s.Close()
}
