package payout

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// MaxWriteOffReason is the longest reason of a write-off, in characters.
const MaxWriteOffReason = 300

// WriteOffState is where a write-off stands.
type WriteOffState string

// The states of a write-off.
const (
	WriteOffWaits    WriteOffState = "waiting" // for another operator; nothing is booked
	WriteOffBooked   WriteOffState = "booked"
	WriteOffDeclined WriteOffState = "declined"
)

// WriteOff is a debt of a brand or creator, or part of it, that the platform gives up: its loss.
type WriteOff struct {
	ID        id.WriteOff   `json:"id"`
	Owner     Owner         `json:"owner"`
	Name      string        `json:"owner_name"`
	Amount    money.Amount  `json:"amount"`
	Reason    string        `json:"reason"`
	State     WriteOffState `json:"state" enum:"waiting,booked,declined" doc:"Above the approval limit it waits for another operator"`
	MadeBy    string        `json:"made_by"`
	CreatedAt time.Time     `json:"created_at"`
	DecidedBy string        `json:"decided_by,omitempty" doc:"The other operator, where there was one"`
	DecidedAt *time.Time    `json:"decided_at,omitempty"`
	Note      string        `json:"note,omitempty" doc:"Why it was declined"`
}

// NewWriteOff is what is to be given up, and why.
type NewWriteOff struct {
	Owner  Owner        `json:"owner" maxLength:"40" doc:"A brand's or a creator's id"`
	Amount money.Amount `json:"amount" doc:"At most what is owed"`
	Reason string       `json:"reason" maxLength:"300"`
}

const writeOffColumns = `w.id, w.owner, COALESCE(b.name, c.display_name, ''), w.currency, w.amount_minor, w.reason, w.state, w.made_by, w.created_at, w.decided_by, w.decided_at, w.note
	FROM write_offs w LEFT JOIN brands b ON b.id = w.owner LEFT JOIN creators c ON c.id = w.owner`

func scanWriteOff(r *sql.Rows) (w WriteOff, err error) {
	var made, decided int64
	err = r.Scan(&w.ID, &w.Owner, &w.Name, &w.Amount.Currency, &w.Amount.Minor, &w.Reason, &w.State, &w.MadeBy, &made, &w.DecidedBy, &decided, &w.Note)
	w.CreatedAt, w.DecidedAt = db.Time(made), when(decided)
	return w, err
}

func writeOffsOf(tx *db.Tx, where string, args ...any) ([]WriteOff, error) {
	list, err := db.All(tx, scanWriteOff, `SELECT `+writeOffColumns+` WHERE `+where, args...)
	if list == nil {
		list = []WriteOff{}
	}
	return list, err
}

func writeOffOf(tx *db.Tx, wof id.WriteOff) (WriteOff, error) {
	list, err := writeOffsOf(tx, `w.id = $1`, string(wof))
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such write-off.")
	}
	if err != nil {
		return WriteOff{}, err
	}
	return list[0], nil
}

// ownDebt reports whether a debt is the asker's own, or a brand's of theirs.
func ownDebt(who account.Asker, o Owner) bool {
	b, c := o.Brand(), o.Creator()
	return b != "" && who.Member(b) || c != "" && c == who.Creator
}

func notOwnDebt() error {
	return fault.New(fault.Forbidden, "This is your own debt, or that of a brand of yours. Another operator must decide on it.").WithType("own_debt")
}

func reasonIn(text string, most int) (string, bool) {
	text = strings.Join(strings.Fields(text), " ")
	n := utf8.RuneCountInString(text)
	return text, n >= 3 && n <= most && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}

// WriteOff gives up what an owner owes, or part of it, with a reason its owner reads. Above the approval limit, alone or
// with what was given up of the same owner within LimitWindow, it waits for another operator. Conflict of type over_debt:
// more than is owed.
func (p *Payouts) WriteOff(ctx context.Context, who account.Asker, in NewWriteOff) (WriteOff, error) {
	if err := operatorInPerson(who); err != nil {
		return WriteOff{}, err
	}
	if err := in.Amount.Check(); err != nil || in.Amount.Minor < 1 {
		return WriteOff{}, fault.InvalidField("body.amount", "Give an amount of 1 minor unit or more, and its currency: {\"amount\": 5000, \"currency\": \"USD\"}.")
	}
	reason, fine := reasonIn(in.Reason, MaxWriteOffReason)
	if !fine {
		return WriteOff{}, fault.InvalidField("body.reason", "Say why, in 3 to %d characters: whoever owed it reads it.", MaxWriteOffReason)
	}
	if ownDebt(who, in.Owner) {
		return WriteOff{}, notOwnDebt()
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (WriteOff, error) {
		if _, err := standingOf(tx, in.Owner); err != nil {
			return WriteOff{}, err
		}
		owed, err := ledger.Debt(tx, in.Owner.Purse(), in.Amount.Currency) // two at once take turns
		if err != nil {
			return WriteOff{}, err
		}
		if in.Amount.Minor > owed.Minor {
			return WriteOff{}, fault.New(fault.Conflict, "%s is owed: no more than that can be written off.", owed).WithType("over_debt")
		}
		w := WriteOff{ID: id.WriteOff("").Next(tx.Now()), Owner: in.Owner, Amount: in.Amount, Reason: reason, State: WriteOffBooked, MadeBy: who.Actor(), CreatedAt: tx.Now()}
		others, err := writeOffEyes(tx, w)
		if err != nil {
			return WriteOff{}, err
		}
		if others > 0 {
			w.State = WriteOffWaits
		}
		_, err = tx.Exec(`INSERT INTO write_offs (id, owner, currency, amount_minor, reason, approvals, made_by, created_at, state) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
			string(w.ID), string(w.Owner), string(w.Amount.Currency), w.Amount.Minor, w.Reason, others, w.MadeBy, db.Micros(w.CreatedAt), string(w.State))
		if db.IsUnique(err) {
			return WriteOff{}, fault.New(fault.Conflict, "A write-off of what they owe waits for another operator already.").WithType("write_off_waiting")
		}
		if err != nil {
			return WriteOff{}, err
		}
		if w.State == WriteOffBooked {
			if err := ledger.WriteOff(tx, string(w.ID), w.Owner.Purse(), w.Amount); err != nil {
				return WriteOff{}, err
			}
		}
		return writeOffOf(tx, w.ID)
	})
}

// writeOffEyes says how many other operators must look at a write-off first: one, above the limit, unless the house has
// one operator only.
func writeOffEyes(tx *db.Tx, w WriteOff) (int64, error) {
	set, err := settingsOf(tx)
	if err != nil || set.Approvals < 2 {
		return 0, err
	}
	var unseen int64
	err = tx.Row(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM write_offs WHERE owner = $1 AND currency = $2 AND created_at > $3 AND approvals = 0`,
		string(w.Owner), string(w.Amount.Currency), db.Micros(tx.Now().Add(-LimitWindow))).Scan(&unseen)
	if err != nil || unseen+w.Amount.Minor <= set.Limit(w.Amount.Currency).Minor {
		return 0, err
	}
	return 1, nil
}

// DecideWriteOff is another operator's word on one above the limit: it is booked, as long as so much is still owed, or
// declined with a reason. Nobody decides on what they proposed, or on their own debt, but may take their own proposal back.
func (p *Payouts) DecideWriteOff(ctx context.Context, who account.Asker, wof id.WriteOff, approves bool, note string) (WriteOff, error) {
	if err := operatorInPerson(who); err != nil {
		return WriteOff{}, err
	}
	note, fine := reasonIn(note, MaxWriteOffReason)
	if !fine && !(approves && note == "") {
		return WriteOff{}, fault.InvalidField("body.reason", "Say why it is declined, in 3 to %d characters.", MaxWriteOffReason)
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (WriteOff, error) {
		w, err := writeOffOf(tx, wof)
		if err == nil {
			_, err = ledger.Debt(tx, w.Owner.Purse(), w.Amount.Currency) // two operators at once take turns
		}
		if err == nil {
			w, err = writeOffOf(tx, wof)
		}
		switch {
		case err != nil:
			return WriteOff{}, err
		case w.State != WriteOffWaits:
			return WriteOff{}, fault.New(fault.Conflict, "This write-off does not wait any more: it is %s.", w.State).WithType("wrong_state")
		case ownDebt(who, w.Owner):
			return WriteOff{}, notOwnDebt()
		case approves && w.MadeBy == who.Actor():
			return WriteOff{}, fault.New(fault.Forbidden, "You have proposed it yourself. Another operator must agree.").WithType("own_proposal")
		}
		w.State = WriteOffDeclined
		if approves {
			w.State = WriteOffBooked
			if err := ledger.WriteOff(tx, string(w.ID), w.Owner.Purse(), w.Amount); err != nil {
				return WriteOff{}, err
			}
		}
		if _, err := tx.Exec(`UPDATE write_offs SET state = $1, decided_by = $2, decided_at = $3, note = $4 WHERE id = $5`,
			string(w.State), who.Actor(), db.Micros(tx.Now()), note, string(wof)); err != nil {
			return WriteOff{}, err
		}
		return writeOffOf(tx, wof)
	})
}

// WriteOffs lists them for the operator, newest first after the one named.
func (p *Payouts) WriteOffs(ctx context.Context, who account.Asker, after id.WriteOff, limit int) ([]WriteOff, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]WriteOff, error) {
		return writeOffsOf(tx, `($1 = '' OR w.id < $1) ORDER BY w.id DESC LIMIT CAST($2 AS INTEGER)`, string(after), limit)
	})
}

// Debt is what a brand or creator owes the platform, in one currency.
type Debt struct {
	Owner   Owner        `json:"owner"`
	Name    string       `json:"owner_name"`
	Owed    money.Amount `json:"owed"`
	Pending money.Amount `json:"pending" doc:"Of theirs, what is held and will pay some of it once its hold has passed"`
	Reserve money.Amount `json:"reserve" doc:"Of theirs, what is kept back"`
	Waiting bool         `json:"write_off_waiting" doc:"A write-off waits for another operator"`
}

// Debts lists who owes the platform something, by the names of the accounts after the cursor.
func (p *Payouts) Debts(ctx context.Context, who account.Asker, cursor string, limit int) (list []Debt, next string, err error) {
	if err := who.IsOperator(); err != nil {
		return nil, "", err
	}
	list = []Debt{}
	err = p.db.Read(ctx, func(tx *db.Tx) error {
		for next = cursor; len(list) < limit; {
			page, more, err := ledger.List(tx, "recv:", next, limit-len(list))
			if err != nil {
				return err
			}
			for _, b := range page {
				if b.Balance.Minor <= 0 {
					continue
				}
				d, err := debtOf(tx, b)
				if err != nil {
					return err
				}
				list = append(list, d)
			}
			if next = more; next == "" {
				return nil
			}
		}
		return nil
	})
	return list, next, err
}

func debtOf(tx *db.Tx, b ledger.Balance) (Debt, error) {
	name := string(b.Account)
	d := Debt{Owner: Owner(name[strings.LastIndex(name, ":")+1:]), Owed: b.Balance, Pending: money.Of(0, b.Balance.Currency), Reserve: money.Of(0, b.Balance.Currency)}
	is, err := standingOf(tx, d.Owner)
	if err != nil && !fault.Is(err, fault.Missing) {
		return d, err
	}
	d.Name = is.name
	for _, of := range d.Owner.buckets() {
		to := &d.Pending
		switch of.name {
		case "pending":
		case "reserve":
			to = &d.Reserve
		default:
			continue
		}
		if *to, err = ledger.BalanceOf(tx, of.account, b.Balance.Currency); err != nil {
			return d, err
		}
	}
	var n int64
	err = tx.Row(`SELECT COUNT(*) FROM write_offs WHERE owner = $1 AND currency = $2 AND state = 'waiting'`, string(d.Owner), string(b.Balance.Currency)).Scan(&n)
	d.Waiting = n > 0
	return d, err
}
