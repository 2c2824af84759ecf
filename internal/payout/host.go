package payout

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Hosted reports whether owners are paid to accounts at a provider, which they open on its pages.
func (p *Payouts) Hosted() bool {
	_, ok := p.rail.(Host)
	return ok
}

// Reverses reports whether payouts that have arrived can be taken back.
func (p *Payouts) Reverses() bool {
	_, ok := p.rail.(Reverser)
	return ok
}

func (p *Payouts) host() (Host, error) {
	h, ok := p.rail.(Host)
	if !ok {
		return nil, fault.New(fault.Conflict, "Payouts leave another way here: add a destination.").WithType("no_hosted_account")
	}
	return h, nil
}

// OpenHosted returns the provider's page on which an owner opens its account there, or completes it, for somebody
// who has just given their password: money goes wherever that page says. back is the path here to come back to.
func (p *Payouts) OpenHosted(ctx context.Context, who account.Asker, o Owner, password, back string) (string, error) {
	if err := governs(who, o); err != nil {
		return "", err
	}
	h, err := p.host()
	if err != nil {
		return "", err
	}
	if err := p.proved(ctx, who, password); err != nil {
		return "", err
	}
	countries, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]string, error) {
		return db.All(tx, scanText, `SELECT country FROM payees WHERE owner = $1 AND complete = 1`, string(o))
	})
	if err == nil && len(countries) == 0 {
		err = fault.New(fault.Conflict, "Say first who is paid: the provider asks for the country.").WithType("payee_incomplete")
	}
	if err != nil {
		return "", err
	}
	return h.Open(db.WithoutKey(ctx), o, countries[0], back)
}

// HostedAccount says how far an owner's account at the provider has come; once it is ready it is a destination.
func (p *Payouts) HostedAccount(ctx context.Context, who account.Asker, o Owner) (HostedAccount, error) {
	if err := reads(who, o); err != nil {
		return HostedAccount{}, err
	}
	return p.lookHosted(ctx, o)
}

// HostTold looks at an owner's account again when the provider has told of it.
func (p *Payouts) HostTold(ctx context.Context, o Owner) error {
	_, err := p.lookHosted(ctx, o)
	return err
}

func (p *Payouts) lookHosted(ctx context.Context, o Owner) (HostedAccount, error) {
	h, err := p.host()
	if err != nil {
		return HostedAccount{}, err
	}
	is, ok, err := h.Opened(ctx, o)
	if err != nil || !ok {
		return is, err
	}
	err = p.db.Write(ctx, func(tx *db.Tx) (err error) {
		is.Destination, err = p.noteHosted(tx, o, is)
		return err
	})
	return is, err
}

// noteHosted keeps an owner's list of destinations as the account at the provider stands.
func (p *Payouts) noteHosted(tx *db.Tx, o Owner, is HostedAccount) (id.Destination, error) {
	if is.ref == "" {
		return "", nil
	}
	mark, err := p.vault.Mark(p.rail.Name() + "  " + is.ref)
	if err != nil {
		return "", err
	}
	known, err := db.All(tx, scanText, `SELECT id FROM destinations WHERE owner = $1 AND mark = $2 AND state <> 'removed'`, string(o), mark)
	if err != nil {
		return "", err
	}
	if len(known) > 0 {
		switch {
		case is.closed:
			err = flag(tx, known[0], HostedClosed)
		case is.State == HostedReady: // nobody here said that it is wrong: the provider did, and takes it back
			_, err = tx.Exec(`UPDATE destinations SET state = 'active', reason = '', updated_at = $1 WHERE id = $2 AND state = 'flagged' AND reason = $3`,
				db.Micros(tx.Now()), known[0], HostedClosed)
		}
		return id.Destination(known[0]), err
	}
	if is.State != HostedReady {
		return "", nil
	}
	d := Destination{Rail: p.rail.Name(), Label: "Stripe ·· " + is.ref[max(0, len(is.ref)-4):], State: "active", UsableAt: tx.Now(), CreatedAt: tx.Now(), owner: o}
	var here int64
	if err := tx.Row(`SELECT COUNT(*) FROM destinations WHERE owner = $1`, string(o)).Scan(&here); err != nil {
		return "", err
	}
	if here > 0 {
		d.UsableAt = tx.Now().Add(CoolingOff)
	}
	d.ID = d.ID.Next(tx.Now())
	return d.ID, p.insertDestination(tx, d, "provider", mark, Account{Holder: string(o), Number: is.ref, Name: "Stripe"})
}

// TakeBack has a rail take a payout back that has arrived, for an operator who says why; it is available again.
func (p *Payouts) TakeBack(ctx context.Context, who account.Asker, pot id.Payout, reason string) (Seen, error) {
	if err := operatorInPerson(who); err != nil {
		return Seen{}, err
	}
	reason = strings.Join(strings.Fields(reason), " ")
	if n := utf8.RuneCountInString(reason); n == 0 || n > 200 || !utf8.ValidString(reason) {
		return Seen{}, fault.InvalidField("body.reason", "Say why in at most 200 characters: its owner reads it.")
	}
	ctx = db.WithoutKey(ctx)
	now, err := db.Get(ctx, p.db, func(tx *db.Tx) (Payout, error) { return payoutOf(tx, pot) })
	if err != nil {
		return Seen{}, err
	}
	rail, ok := p.rails[now.Rail].(Reverser)
	switch {
	case !ok:
		return Seen{}, fault.New(fault.Conflict, "What left by this way cannot be taken back from here.").WithType("wrong_state")
	case now.State != Confirmed && now.State != Returned:
		return Seen{}, fault.New(fault.Conflict, "Only a payout that has arrived can be taken back; this one is %s.", now.State).WithType("wrong_state")
	case now.State == Confirmed:
		answer, err := rail.TakeBack(ctx, pot)
		if err != nil {
			return Seen{}, err
		}
		answer.Reason = "Taken back by the operator: " + reason
		if _, err := p.record(ctx, pot, answer); err != nil {
			return Seen{}, err
		}
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Seen, error) {
		x, err := payoutOf(tx, pot)
		if err != nil {
			return Seen{}, err
		}
		return seenOf(tx, x)
	})
}

func scanText(r *sql.Rows) (s string, err error) {
	err = r.Scan(&s)
	return s, err
}
