package sample

import (
	"context"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// Decide answers a request for its brand. An approval sets a unit aside and freezes what a missing video costs: the lower
// of the price now and the one its creator agreed to. A refusal says why.
func (s *Samples) Decide(ctx context.Context, who account.Asker, sample id.Sample, approve bool, reason string) (Sample, error) {
	reason, err := cleanText("body.reason", reason, !approve)
	if err != nil {
		return Sample{}, err
	}
	return db.Do(ctx, s.db, func(tx *db.Tx) (Sample, error) {
		smp, err := lockedOf(tx, who, sample)
		if err != nil {
			return Sample{}, err
		}
		if smp.State != Requested {
			return Sample{}, smp.wrong("it was answered already")
		}
		now := tx.Now()
		smp.DecidedAt, smp.Reason = &now, reason
		if approve {
			err = smp.approve(tx)
		} else {
			smp.end(now, Declined)
		}
		if err == nil {
			err = smp.store(tx)
		}
		if err != nil {
			return Sample{}, err
		}
		return read(tx, sample, asBrand)
	})
}

func (s *Sample) approve(tx *db.Tx) error {
	due := tx.Now().Add(SendWithin)
	if err := affiliate.CountSample(tx, s.Program); err != nil {
		return err
	}
	now, _, err := wanted(tx, s.Variant)
	if err != nil {
		return fault.Wrap(fault.Conflict, err, "The product is no longer for sale: decline the request, or bring it back first.")
	}
	if now.price.Currency == s.price.Currency {
		s.price.Minor = min(s.price.Minor, now.price.Minor)
	}
	s.State, s.DueAt = Approved, &due
	return catalog.SetAside(tx, s.ID, s.Variant, due)
}

// Ship notes that an approved sample is on its way: the unit leaves the stock.
func (s *Samples) Ship(ctx context.Context, who account.Asker, sample id.Sample, in Parcel) (Sample, error) {
	carrier, tracking := strings.TrimSpace(in.Carrier), strings.TrimSpace(in.Tracking)
	if carrier == "" && in.Label == "" || len(carrier) > order.MaxCarrier || bad(carrier) {
		return Sample{}, fault.InvalidField("body.carrier", "Name the carrier, in at most %d characters.", order.MaxCarrier)
	}
	if len(tracking) > order.MaxCarrier || bad(tracking) {
		return Sample{}, fault.InvalidField("body.tracking", "A tracking code has at most %d characters.", order.MaxCarrier)
	}
	return db.Do(ctx, s.db, func(tx *db.Tx) (Sample, error) {
		smp, err := lockedOf(tx, who, sample)
		if err != nil {
			return Sample{}, err
		}
		if smp.State != Approved {
			return Sample{}, smp.wrong("only what is approved and not sent yet can be sent")
		}
		now := tx.Now()
		due := now.Add(ArriveWithin)
		smp.State, smp.Carrier, smp.Tracking, smp.ShippedAt, smp.DueAt = Shipped, carrier, tracking, &now, &due
		if err := smp.labelled(tx, in.Label); err != nil {
			return Sample{}, err
		}
		if err := catalog.GiveAway(tx, smp.ID); err != nil {
			return Sample{}, err
		}
		if err := smp.moved(tx, smp.stock(), smp.hands()); err != nil {
			return Sample{}, err
		}
		if err := smp.store(tx); err != nil {
			return Sample{}, err
		}
		return read(tx, sample, asBrand)
	})
}

// labelled buys the platform's label for the sample, if it is to go with one: from what is available to its brand, then
// from what is kept back of it. With less it is refused: a sample brings nothing that could pay for it later.
func (s *Sample) labelled(tx *db.Tx, rate id.LabelRate) error {
	if rate == "" {
		return nil
	}
	c := s.price.Currency
	r, err := order.LabelOnSale(tx, rate, c)
	if err != nil {
		return err
	}
	purse := ledger.BrandPurse(s.Brand)
	left, err := ledger.Take(tx, c, purse)
	if err != nil {
		return err
	}
	available := left[purse.Available]
	if missing := r.Price.Minor - max(0, available); missing > 0 {
		kept, err := unowed(tx, s.Brand, c)
		switch {
		case err != nil:
			return err
		case kept < missing:
			return fault.New(fault.Conflict, "The label costs %s, and what is available to you and kept back of you is less than that. Send it with a carriage of your own.", r.Price).WithType("insufficient_balance")
		}
	}
	s.Carrier, s.Label = r.Carrier, &Label{Rate: r.ID, Service: r.Service, Price: r.Price, account: r.Account}
	sent := ledger.SampleSent(s.ID, s.Brand, ledger.Label{Carrier: r.Account, Price: r.Price.Minor}, c, available)
	if _, err := ledger.Post(tx, sent); err != nil || r.Price.Minor <= available {
		return err
	}
	return order.DrawReserve(tx, sent.Key, s.Brand, c)
}

// unowed is what is kept back of the brand beyond what it owes already.
func unowed(tx *db.Tx, brand id.Brand, c money.Currency) (int64, error) {
	kept, err := ledger.BalanceOf(tx, ledger.BrandReserve(brand), c)
	if err != nil {
		return 0, err
	}
	owes, err := ledger.BalanceOf(tx, ledger.BrandOwes(brand), c)
	return kept.Minor - owes.Minor, err
}

func bad(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// TakeBack notes that the brand has a sample back that was sent: no content is due for it any more. restock puts the unit
// on the shelf; otherwise it is gone.
func (s *Samples) TakeBack(ctx context.Context, who account.Asker, sample id.Sample, restock bool) (Sample, error) {
	return db.Do(ctx, s.db, func(tx *db.Tx) (Sample, error) {
		smp, err := lockedOf(tx, who, sample)
		if err != nil {
			return Sample{}, err
		}
		if smp.State != Shipped && smp.State != Delivered && smp.State != Lost {
			return Sample{}, smp.wrong("only what is out and not answered can come back")
		}
		to, from := world, smp.hands()
		if smp.State == Lost {
			from = world
		}
		if restock {
			to = smp.stock()
			if err := catalog.TakeBack(tx, smp.ID, smp.Variant); err != nil {
				return Sample{}, err
			}
		}
		if to != from {
			if err := smp.moved(tx, from, to); err != nil {
				return Sample{}, err
			}
		}
		if err := smp.uncount(tx); err != nil {
			return Sample{}, err
		}
		smp.end(tx.Now(), Returned)
		if err := smp.store(tx); err != nil {
			return Sample{}, err
		}
		return read(tx, sample, asBrand)
	})
}

// Receive notes that the sample has come, by its creator: content is due from now.
func (s *Samples) Receive(ctx context.Context, who account.Asker, sample id.Sample) (Sample, error) {
	return s.arrived(ctx, who, sample, func(tx *db.Tx, smp *Sample) error {
		now := tx.Now()
		due := now.AddDate(0, 0, int(smp.Days))
		smp.State, smp.DeliveredAt, smp.DueAt = Delivered, &now, &due
		return nil
	})
}

// Missing notes that the sample never came, by its creator: nothing is due for it, and the unit is gone.
func (s *Samples) Missing(ctx context.Context, who account.Asker, sample id.Sample) (Sample, error) {
	return s.arrived(ctx, who, sample, func(tx *db.Tx, smp *Sample) error {
		smp.end(tx.Now(), Lost)
		return smp.moved(tx, smp.hands(), world)
	})
}

func (s *Samples) arrived(ctx context.Context, who account.Asker, sample id.Sample, change func(*db.Tx, *Sample) error) (Sample, error) {
	return db.Do(ctx, s.db, func(tx *db.Tx) (Sample, error) {
		smp, as, err := locked(tx, who, sample)
		if err != nil {
			return Sample{}, err
		}
		if as != asCreator {
			return Sample{}, fault.New(fault.Forbidden, "Only who asked for it says whether it came.")
		}
		if smp.State != Shipped {
			return Sample{}, smp.wrong("it is not on its way")
		}
		if err := change(tx, &smp); err != nil {
			return Sample{}, err
		}
		if err := smp.store(tx); err != nil {
			return Sample{}, err
		}
		if err := smp.tell(tx); err != nil {
			return Sample{}, err
		}
		return read(tx, sample, as)
	})
}
