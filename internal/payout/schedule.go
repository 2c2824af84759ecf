package payout

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Every is how often an owner's available money is paid out unasked.
type Every string

// The schedules: Mondays, or the first of the month, at six in the morning, UTC.
const (
	EveryManual Every = "manual"
	EveryWeek   Every = "weekly"
	EveryMonth  Every = "monthly"
)

// scheduleHour is when, UTC.
const scheduleHour = 6

// next returns the first moment after now that the schedule names; zero for manual.
func (e Every) next(now time.Time) time.Time {
	now = now.UTC()
	day := time.Date(now.Year(), now.Month(), now.Day(), scheduleHour, 0, 0, 0, time.UTC)
	switch e {
	case EveryWeek:
		for day.Weekday() != time.Monday || !day.After(now) {
			day = day.AddDate(0, 0, 1)
		}
	case EveryMonth:
		for day.Day() != 1 || !day.After(now) {
			day = day.AddDate(0, 0, 1)
		}
	default:
		return time.Time{}
	}
	return day
}

// Schedule is when an owner is paid.
type Schedule struct {
	Every       Every          `json:"every" enum:"manual,weekly,monthly"`
	Destination id.Destination `json:"destination_id,omitempty" maxLength:"50" doc:"Where to; needed unless manual"`
	NextAt      *time.Time     `json:"next_at,omitempty" doc:"When all that is available is paid out, if it reaches the minimum" readOnly:"true"`
	Note        string         `json:"note,omitempty" doc:"Why the last one did not go" readOnly:"true"`
}

func scheduleOf(tx *db.Tx, o Owner) (Schedule, error) {
	s := Schedule{Every: EveryManual}
	var next int64
	err := tx.Row(`SELECT every, destination_id, next_at, last_note FROM payout_schedules WHERE owner = $1`, string(o)).Scan(&s.Every, &s.Destination, &next, &s.Note)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	s.NextAt = when(next)
	return s, err
}

// Schedule returns when the owner is paid.
func (p *Payouts) Schedule(ctx context.Context, who account.Asker, o Owner) (Schedule, error) {
	if err := reads(who, o); err != nil {
		return Schedule{}, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Schedule, error) { return scheduleOf(tx, o) })
}

// PutSchedule says when the owner is paid.
func (p *Payouts) PutSchedule(ctx context.Context, who account.Asker, o Owner, in Schedule) (Schedule, error) {
	if err := governs(who, o); err != nil {
		return Schedule{}, err
	}
	if in.Every != EveryManual && in.Every != EveryWeek && in.Every != EveryMonth {
		return Schedule{}, fault.InvalidField("body.every", "It is manual, weekly or monthly.")
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (Schedule, error) {
		next := int64(0)
		if in.Every == EveryManual {
			in.Destination = ""
		} else {
			if in.Destination == "" {
				return Schedule{}, fault.InvalidField("body.destination_id", "Say where to.")
			}
			if _, err := p.usableLater(tx, o, in.Destination); err != nil {
				return Schedule{}, err
			}
			next = db.Micros(in.Every.next(tx.Now()))
		}
		_, err := tx.Exec(`INSERT INTO payout_schedules (owner, every, destination_id, next_at, changed_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (owner) DO UPDATE SET every = excluded.every, destination_id = excluded.destination_id, next_at = excluded.next_at, last_note = '',
			changed_by = excluded.changed_by, updated_at = excluded.updated_at`, string(o), string(in.Every), string(in.Destination), next, who.Actor(), db.Micros(tx.Now()))
		if err != nil {
			return Schedule{}, err
		}
		return scheduleOf(tx, o)
	})
}

// usableLater is usable, or will be when its time of cooling off has passed.
func (p *Payouts) usableLater(tx *db.Tx, o Owner, dst id.Destination) (Destination, error) {
	if p.rail.Test() && !dst.Valid() {
		return p.usable(tx, o, dst)
	}
	return destinationOf(tx, o, dst)
}

// ScheduleBatch is how many owners' payouts are made in one transaction: one posting and one commit for all.
const ScheduleBatch = 50

// runSchedules pays out what is due.
func (p *Payouts) runSchedules(ctx context.Context) error {
	due, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Owner, error) {
		return db.All(tx, func(r *sql.Rows) (o Owner, err error) { return o, r.Scan(&o) },
			`SELECT owner FROM payout_schedules WHERE next_at > 0 AND next_at <= $1 ORDER BY next_at LIMIT CAST($2 AS INTEGER)`, db.Micros(p.clock.Now()), sweepBatch)
	})
	if err != nil {
		return err
	}
	return db.InGroups(ctx, due, p.together, func(owners []Owner) error { return p.runTogether(ctx, owners) })
}

// runTogether makes owners' payouts, one for each currency, and moves their schedules on in the same
// transaction: a crash neither leaves one out nor makes two.
func (p *Payouts) runTogether(ctx context.Context, owners []Owner) error {
	made, err := db.Do(ctx, p.db, func(tx *db.Tx) ([]Payout, error) {
		var all []Payout
		set, err := settingsOf(tx)
		if err != nil {
			return nil, err
		}
		var moved db.Values
		for _, o := range slices.Sorted(slices.Values(owners)) {
			s, err := scheduleOf(tx, o)
			if err != nil {
				return nil, err
			}
			if s.NextAt == nil || s.NextAt.After(tx.Now()) {
				continue
			}
			pots, note, err := p.payAll(tx, o, s.Destination, set)
			if err != nil {
				return nil, err
			}
			all = append(all, pots...)
			moved.Row(string(o), string(s.Every), string(s.Destination), db.Micros(s.Every.next(tx.Now())), note, "", 0)
		}
		if err := p.book(tx, all); err != nil {
			return nil, err
		}
		return all, moveOn(tx, &moved)
	})
	for _, pot := range made {
		if e := p.settle(ctx, pot.ID); e != nil {
			p.log.Warn("a scheduled payout waits for its rail", "payout", pot.ID, "error", e)
		}
	}
	return err
}

// moveOn notes when schedules are due next; each of them is there.
func moveOn(tx *db.Tx, rows *db.Values) error {
	if rows.Empty() {
		return nil
	}
	_, err := tx.Exec(`INSERT INTO payout_schedules (owner, every, destination_id, next_at, last_note, changed_by, updated_at) VALUES `+rows.Text()+`
		ON CONFLICT (owner) DO UPDATE SET next_at = excluded.next_at, last_note = excluded.last_note`, rows.Args()...)
	return err
}

// payAll draws all that is available in each currency; note says why something does not go. What stands in the
// way is looked at before anything is written: a transaction is not half done.
func (p *Payouts) payAll(tx *db.Tx, o Owner, dst id.Destination, set SettingsView) (made []Payout, note string, err error) {
	payee, err := p.payable(tx, o)
	if err != nil {
		return nil, saidOf(err), nil
	}
	to, err := p.usable(tx, o, dst)
	if err != nil {
		return nil, saidOf(err), nil
	}
	purse := o.Purse()
	list, err := ledger.Balances(tx, purse.Available, purse.Owes)
	if err != nil {
		return nil, "", err
	}
	owed := map[money.Currency]bool{}
	for _, b := range list {
		if b.Account == purse.Owes && b.Balance.Minor > 0 {
			owed[b.Balance.Currency] = true
		}
	}
	for _, b := range list {
		c := b.Balance.Currency
		if b.Account == purse.Available && !owed[c] && b.Balance.Minor > 0 && b.Balance.Minor >= set.Minimum(c).Minor {
			made = append(made, p.draw(tx, request{owner: o, amount: b.Balance, destination: dst, scheduled: true, by: "schedule"}, payee, to, set))
		}
	}
	return made, "", nil
}

// saidOf is what a fault tells people; something else is not theirs to read.
func saidOf(err error) string {
	var f *fault.Fault
	if errors.As(err, &f) && f.Kind != fault.Internal {
		return f.Detail
	}
	return "Something went wrong here; it is tried again next time."
}
