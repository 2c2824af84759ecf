package payout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// CoolingOff is how long a destination rests before money goes there; the first of an owner does not.
const CoolingOff = 72 * time.Hour

// maxDestinations is how many an owner has at a time.
const maxDestinations = 10

// Destination is a place an owner's money can be sent to.
type Destination struct {
	ID        id.Destination `json:"id"`
	Rail      string         `json:"rail"`
	Label     string         `json:"label" doc:"The bank and the end of the account: all that is shown of it"`
	State     string         `json:"state" enum:"active,flagged,removed" doc:"flagged: a payout there failed or came back; confirm it or add another"`
	Reason    string         `json:"reason,omitempty"`
	UsableAt  time.Time      `json:"usable_at" doc:"Payouts go there from then on: 72 hours after it was added, the first one at once"`
	CreatedAt time.Time      `json:"created_at"`
	owner     Owner
	addedBy   string
}

// NewDestination is what adding one takes.
type NewDestination struct {
	Account
	Label string // "" makes one of bank and account
}

const destinationColumns = `id, owner, rail, label, state, reason, usable_at, added_by, created_at`

func scanDestination(r *sql.Rows) (d Destination, err error) {
	var usable, created int64
	err = r.Scan(&d.ID, &d.owner, &d.Rail, &d.Label, &d.State, &d.Reason, &usable, &d.addedBy, &created)
	d.UsableAt, d.CreatedAt = db.Time(usable), db.Time(created)
	return d, err
}

func destinationsOf(tx *db.Tx, o Owner) ([]Destination, error) {
	list, err := db.All(tx, scanDestination, `SELECT `+destinationColumns+` FROM destinations WHERE owner = $1 AND state <> 'removed' ORDER BY id`, string(o))
	if list == nil {
		list = []Destination{}
	}
	return list, err
}

// Destinations lists where an owner's money can be sent.
func (p *Payouts) Destinations(ctx context.Context, who account.Asker, o Owner) ([]Destination, error) {
	if err := reads(who, o); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Destination, error) { return destinationsOf(tx, o) })
}

// clean checks an account's fields and makes its label.
func (in NewDestination) clean(r Rail) (NewDestination, error) {
	for _, f := range []struct {
		name        string
		to          *string
		least, most int
	}{{"holder", &in.Holder, 1, 140}, {"account", &in.Number, 2, 64}, {"bank_code", &in.Bank, 0, 64}, {"bank_name", &in.Name, 0, 100}} {
		*f.to = strings.Join(strings.Fields(*f.to), " ")
		if n := utf8.RuneCountInString(*f.to); n < f.least || n > f.most || !utf8.ValidString(*f.to) || strings.ContainsFunc(*f.to, unicode.IsControl) {
			return in, fault.InvalidField("body."+f.name, "Write it in %d to %d characters.", f.least, f.most)
		}
	}
	in.Number = strings.ToUpper(strings.ReplaceAll(in.Number, " ", ""))
	in.Bank = strings.ToUpper(strings.ReplaceAll(in.Bank, " ", ""))
	if err := r.Check(in.Account); err != nil {
		return in, err
	}
	end := []rune(in.Number)
	in.Label = strings.TrimSpace(in.Name + " ·· " + string(end[max(0, len(end)-4):]))
	return in, nil
}

// checkAccount is what can be told of an account without a bank: the checksum of an IBAN, the form of others.
func checkAccount(a Account) error {
	n := a.Number
	for _, r := range n {
		if !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r == '-') {
			return fault.InvalidField("body.account", "An account number has letters, figures and dashes only.")
		}
	}
	if len(n) > 4 && n[0] >= 'A' && n[1] >= 'A' && n[2] <= '9' && n[3] <= '9' {
		rest := 0
		for _, r := range n[4:] + n[:4] {
			switch {
			case r >= '0' && r <= '9':
				rest = (rest*10 + int(r-'0')) % 97
			case r >= 'A' && r <= 'Z':
				rest = (rest*100 + int(r-'A') + 10) % 97
			}
		}
		if rest != 1 || len(n) < 15 || len(n) > 34 {
			return fault.InvalidField("body.account", "This IBAN has a mistyped figure: its checksum does not fit.")
		}
		return nil
	}
	if len(n) < 4 {
		return fault.InvalidField("body.account", "An account number has at least four figures.")
	}
	if a.Bank == "" {
		return fault.InvalidField("body.bank_code", "Give the bank's routing number, sort code or BIC; only an IBAN says it by itself.")
	}
	return nil
}

// AddDestination adds a place to be paid to, for somebody who has just given their password. It can be used
// after CoolingOff, the first at once; everybody who acts for the owner sees that it was added.
func (p *Payouts) AddDestination(ctx context.Context, who account.Asker, o Owner, password string, in NewDestination) (Destination, error) {
	if err := governs(who, o); err != nil {
		return Destination{}, err
	}
	in, err := in.clean(p.rail)
	if err != nil {
		return Destination{}, err
	}
	if err := p.proved(ctx, who, password); err != nil {
		return Destination{}, err
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (Destination, error) { return p.addDestination(tx, who, o, in) })
}

// proved checks the password again: whoever has a session by theft moves no money with it.
func (p *Payouts) proved(ctx context.Context, who account.Asker, password string) error {
	if p.prove == nil {
		return fault.New(fault.Unavailable, "Passwords cannot be checked here.")
	}
	return p.prove(ctx, who, password)
}

func (p *Payouts) addDestination(tx *db.Tx, who account.Asker, o Owner, in NewDestination) (Destination, error) {
	mark, err := p.vault.Mark(p.rail.Name() + " " + in.Bank + " " + in.Number)
	if err != nil {
		return Destination{}, err
	}
	var here, now int64
	err = tx.Row(`SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state <> 'removed' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM destinations WHERE owner = $1`, string(o)).Scan(&here, &now)
	if err != nil {
		return Destination{}, err
	}
	if now >= maxDestinations {
		return Destination{}, fault.New(fault.Conflict, "There are %d places already. Remove one first.", maxDestinations)
	}
	var same int64
	err = tx.Row(`SELECT COUNT(*) FROM destinations WHERE owner = $1 AND mark = $2 AND state <> 'removed'`, string(o), mark).Scan(&same)
	if err != nil {
		return Destination{}, err
	}
	if same > 0 {
		return Destination{}, fault.New(fault.Conflict, "This account is on the list already.").WithType("destination_known")
	}
	d := Destination{Rail: p.rail.Name(), Label: in.Label, State: "active", UsableAt: tx.Now(), CreatedAt: tx.Now(), owner: o}
	if here > 0 {
		d.UsableAt = tx.Now().Add(CoolingOff)
	}
	d.ID = d.ID.Next(tx.Now())
	known, _ := account.NewMark(account.MarkInstrument, mark) // who is paid here buys as the same person
	if err := account.AddMarks(tx, who.Account, known); err != nil {
		return Destination{}, err
	}
	return d, p.insertDestination(tx, d, who.Actor(), mark, in.Account)
}

func (p *Payouts) insertDestination(tx *db.Tx, d Destination, actor, mark string, a Account) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	sealed, err := p.vault.Seal("destinations:"+string(d.ID), text)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO destinations (id, owner, rail, label, sealed, mark, state, usable_at, added_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'active', $7, $8, $9, $9)`, string(d.ID), string(d.owner), d.Rail, d.Label, sealed, mark, db.Micros(d.UsableAt), actor, db.Micros(d.CreatedAt))
	return err
}

// destinationOf returns an owner's destination; Missing for another's, or one that is gone.
func destinationOf(tx *db.Tx, o Owner, dst id.Destination) (Destination, error) {
	list, err := db.All(tx, scanDestination, `SELECT `+destinationColumns+` FROM destinations WHERE id = $1 AND owner = $2 AND state <> 'removed'`, string(dst), string(o))
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such destination, or it is not yours. Look at the list, or add it.")
	}
	if err != nil {
		return Destination{}, err
	}
	return list[0], nil
}

// accountOf opens a destination's account.
func (p *Payouts) accountOf(tx *db.Tx, dst string) (a Account, err error) {
	var sealed []byte
	err = tx.Row(`SELECT sealed FROM destinations WHERE id = $1`, dst).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) { // one that the sandbox knows by its name
		return Account{}, nil
	}
	if err != nil || len(sealed) == 0 {
		return Account{}, err
	}
	text, err := p.vault.Open("destinations:"+dst, sealed)
	if err != nil {
		return Account{}, err
	}
	return a, json.Unmarshal(text, &a)
}

// RemoveDestination takes a place off the list. Payouts under way to it go on.
func (p *Payouts) RemoveDestination(ctx context.Context, who account.Asker, o Owner, dst id.Destination) error {
	if err := governs(who, o); err != nil {
		return err
	}
	return p.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := destinationOf(tx, o, dst); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE destinations SET state = 'removed', updated_at = $1 WHERE id = $2`, db.Micros(tx.Now()), string(dst))
		return err
	})
}

// ConfirmDestination clears the flag of a place that a payout came back from, for somebody who has just
// given their password: they say that it is right.
func (p *Payouts) ConfirmDestination(ctx context.Context, who account.Asker, o Owner, dst id.Destination, password string) (Destination, error) {
	if err := governs(who, o); err != nil {
		return Destination{}, err
	}
	if _, err := db.Get(ctx, p.db, func(tx *db.Tx) (Destination, error) { return destinationOf(tx, o, dst) }); err != nil {
		return Destination{}, err
	}
	if err := p.proved(ctx, who, password); err != nil {
		return Destination{}, err
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (Destination, error) {
		if _, err := tx.Exec(`UPDATE destinations SET state = 'active', reason = '', updated_at = $1 WHERE id = $2 AND owner = $3 AND state = 'flagged'`,
			db.Micros(tx.Now()), string(dst), string(o)); err != nil {
			return Destination{}, err
		}
		return destinationOf(tx, o, dst)
	})
}

// usable returns where a payout may go now. In the sandbox any name dst_… that is nobody's does.
func (p *Payouts) usable(tx *db.Tx, o Owner, dst id.Destination) (Destination, error) {
	if p.rail.Test() && !dst.Valid() && testName(string(dst)) {
		return Destination{ID: dst, Rail: p.rail.Name(), Label: "sandbox account " + string(dst), State: "active", owner: o}, nil
	}
	d, err := destinationOf(tx, o, dst)
	switch {
	case err != nil:
		return d, err
	case d.Rail != p.rail.Name():
		return d, fault.New(fault.Conflict, "Payouts do not leave that way any more. Add the place again.").WithType("destination_unusable")
	case d.State == "flagged":
		return d, fault.New(fault.Conflict, "A payout to this place did not arrive: %s Confirm it with your password, or add another.", d.Reason).WithType("destination_flagged")
	case d.UsableAt.After(tx.Now()):
		return d, fault.New(fault.Conflict, "This place was added lately. Payouts go there from %s on: time enough for you to notice, had somebody else added it.",
			d.UsableAt.Format("2 Jan 2006 15:04 UTC")).WithType("destination_cooling_off")
	}
	return d, nil
}

// testName reports whether the text can name a destination of the sandbox.
func testName(s string) bool {
	rest, ok := strings.CutPrefix(s, "dst_")
	if !ok || rest == "" || len(rest) > 40 {
		return false
	}
	for _, c := range rest {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return false
		}
	}
	return true
}

// flag marks a place whose payout did not arrive.
func flag(tx *db.Tx, dst, reason string) error {
	if len(reason) > 200 {
		reason = reason[:200]
	}
	_, err := tx.Exec(`UPDATE destinations SET state = 'flagged', reason = $1, updated_at = $2 WHERE id = $3 AND state = 'active'`,
		strings.ToValidUTF8(reason, ""), db.Micros(tx.Now()), dst)
	if err != nil {
		return fmt.Errorf("payout: flag a destination: %w", err)
	}
	return nil
}
