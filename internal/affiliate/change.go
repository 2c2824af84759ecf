package affiliate

import (
	"context"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// UpdateProgram changes a program. What is better for creators counts at once. What is worse leaves those
// already promoting what they were promised for 30 days: a lower rate and a shorter window by the terms
// kept, a product or a creator taken out by staying in until then. An end within 30 days, and a budget
// set or lowered, are refused while anybody promotes (Conflict "terms_locked"). match is the version the
// asker has read, 0 for any.
func (a *Affiliate) UpdateProgram(ctx context.Context, who account.Asker, program id.Program, match int64, ch ProgramChange) (Program, error) {
	return db.Do(ctx, a.d, func(tx *db.Tx) (Program, error) {
		p, err := own(tx, who, program, account.ProgramsWrite)
		if err != nil {
			return Program{}, err
		}
		if match != 0 && match != p.Version {
			return Program{}, fault.New(fault.Stale, "This program has changed since you read it. Read it again, and change that.")
		}
		before := p
		if err := p.change(ch, tx.Now()); err != nil {
			return Program{}, err
		}
		promoted, err := promoting(tx, before)
		if err != nil {
			return Program{}, err
		}
		if promoted {
			if err := kept(before, p, tx.Now()); err != nil {
				return Program{}, err
			}
		}
		if err := changeMembers(tx, before, ch, promoted); err != nil {
			return Program{}, err
		}
		if err := store(tx, before, p); err != nil {
			return Program{}, err
		}
		if err := setSamples(tx, p.ID, ch.Samples); err != nil {
			return Program{}, err
		}
		return told(tx, p.ID, false)
	})
}

// own reads a program for its brand's people; Missing for everybody else.
func own(tx *db.Tx, who account.Asker, program id.Program, scope account.Scope) (Program, error) {
	p, err := load(tx, program)
	if err != nil && !fault.Is(err, fault.Missing) {
		return p, err
	}
	if asked := who.OfBrand(p.Brand, scope); asked != nil { // of no brand, when there is no program
		if fault.Is(asked, fault.Missing) {
			asked = errNoProgram()
		}
		return p, asked
	}
	return p, err
}

func (p *Program) change(ch ProgramChange, now time.Time) error {
	var c checks
	if ch.Name != nil {
		p.Name = c.name(*ch.Name)
	}
	if ch.Rate != nil {
		p.Rate = *ch.Rate
		c.rate(p.Rate)
	}
	if ch.Indirect != nil {
		p.Indirect = *ch.Indirect
		c.indirect(p.Indirect)
	}
	if ch.WindowHours != nil {
		p.WindowHours = *ch.WindowHours
		c.window(p.WindowHours)
	}
	if ch.HoldDays != nil {
		p.HoldDays = *ch.HoldDays
		c.hold(p.HoldDays)
	}
	if ch.All != nil {
		c.add(*ch.All || !p.AllProducts, "body.product_ids", "This program covers all products. Open another for some of them, and end this one.")
		p.AllProducts = *ch.All || p.AllProducts
	}
	if ch.Products != nil {
		c.add(!p.AllProducts && len(*ch.Products) > 0 && len(*ch.Products) <= MaxProducts, "body.product_ids", "List 1 to %d products; a program that covers all lists none.", MaxProducts)
	}
	if ch.Handles != nil {
		c.add(p.Kind == Targeted && len(*ch.Handles) > 0 && len(*ch.Handles) <= MaxCreators, "body.creator_handles", "Name 1 to %d creators; an open program names none.", MaxCreators)
	}
	if ch.StartsAt != nil {
		c.add(now.Before(p.StartsAt), "body.starts_at", "This program has started already.")
		c.date(*ch.StartsAt, "body.starts_at")
		p.StartsAt = ch.StartsAt.UTC().Truncate(time.Microsecond)
		if p.StartsAt.Before(now) {
			p.StartsAt = now
		}
	}
	if ch.EndsAt != nil {
		c.date(*ch.EndsAt, "body.ends_at")
		ends := ch.EndsAt.UTC().Truncate(time.Microsecond)
		p.EndsAt = &ends
		if ch.EndsAt.IsZero() {
			p.EndsAt = nil
		} else {
			c.span(p.StartsAt, ends, now)
		}
	}
	if ch.Budget != nil {
		c.budget(ch.Budget, p.currency)
		budget := *ch.Budget
		if p.Budget = &budget; budget.Minor == 0 {
			p.Budget = nil
		}
	}
	c.samples(ch.Samples)
	return c.fault()
}

// kept refuses a change that those already promoting cannot be shielded from.
func kept(before, after Program, now time.Time) error {
	earliest := now.Add(Notice)
	sooner := after.EndsAt != nil && (before.EndsAt == nil || after.EndsAt.Before(*before.EndsAt))
	if sooner && after.EndsAt.Before(earliest) {
		return fault.New(fault.Conflict, "Creators promote under this program and keep its terms for 30 days: it can end on %s at the earliest.", earliest.Format("2 January 2006 15:04 MST")).
			WithType(TermsLocked).WithField("body.ends_at", "Not before %s.", earliest.Format(time.RFC3339))
	}
	lower := after.Budget != nil && (before.Budget == nil || after.Budget.Minor < before.Budget.Minor)
	if lower {
		return fault.New(fault.Conflict, "Creators promote under this program: its budget can be raised, not lowered or set. Set an end in 30 days instead.").
			WithType(TermsLocked).WithField("body.budget", "Not less than it is.")
	}
	return nil
}

// promoting reports whether anybody has a product of the program on the shelf.
func promoting(tx *db.Tx, p Program) (bool, error) {
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM showcase s WHERE s.brand_id = $1 AND s.removed_at = 0
		AND ($2 = 1 OR EXISTS (SELECT 1 FROM program_products i WHERE i.program_id = $3 AND i.product_id = s.product_id))
		AND ($4 = 1 OR EXISTS (SELECT 1 FROM program_creators c WHERE c.program_id = $3 AND c.creator_id = s.creator_id))`,
		string(p.Brand), db.Flag(p.AllProducts), string(p.ID), db.Flag(p.Kind == Open)).Scan(&n)
	return n > 0, err
}

// changeMembers brings products and creators to what the change lists.
func changeMembers(tx *db.Tx, before Program, ch ProgramChange, promoted bool) error {
	until := tx.Now()
	if promoted {
		until = until.Add(Notice)
	}
	if ch.Products != nil {
		listed := distinct(*ch.Products)
		if err := ofBrand(tx, before.Brand, without(listed, before.Products)); err != nil {
			return err
		}
		if err := leave(tx, `program_products`, `product_id`, before.ID, without(before.Products, listed), until); err != nil {
			return err
		}
		if err := join(tx, `program_products`, `product_id`, before.ID, listed); err != nil {
			return err
		}
	}
	if ch.Handles == nil {
		return nil
	}
	listed, err := named(tx, handles(*ch.Handles))
	if err != nil {
		return err
	}
	if err := leave(tx, `program_creators`, `creator_id`, before.ID, without(before.staying(), listed), until); err != nil {
		return err
	}
	return join(tx, `program_creators`, `creator_id`, before.ID, listed)
}

// store writes a program's own row and, where they changed, its terms.
func store(tx *db.Tx, before, p Program) error {
	var ends int64
	if p.EndsAt != nil {
		ends = db.Micros(*p.EndsAt)
	}
	n, err := tx.Exec(`UPDATE programs SET name = $1, commission_bps = $2, window_hours = $3, hold_days = $4, all_products = $5, starts_at = $6, ends_at = $7,
		indirect_bps = $8, version = version + 1, updated_at = $9 WHERE id = $10 AND version = $11`,
		p.Name, int64(p.Rate), p.WindowHours, p.HoldDays, db.Flag(p.AllProducts), db.Micros(p.StartsAt), ends, int64(p.Indirect), db.Micros(tx.Now()), string(p.ID), before.Version)
	if err == nil && n == 0 {
		err = fault.New(fault.Stale, "This program was changed in this very moment. Read it again, and change that.")
	}
	if err != nil {
		return err
	}
	if err := setBudget(tx, before, p); err != nil {
		return err
	}
	if p.Rate == before.Rate && p.WindowHours == before.WindowHours && p.Indirect == before.Indirect {
		return nil
	}
	return setTerm(tx, p.ID, p.Rate, p.Indirect, p.WindowHours)
}
