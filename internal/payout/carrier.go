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

// ownBank is the bank that carriers are paid from where no rail pays out of one.
const ownBank = "main"

// Carrier is what a carrier is owed for the platform's labels, in one currency.
type Carrier struct {
	Account string       `json:"carrier" doc:"Its word in the book: carrier:<carrier>"`
	Name    string       `json:"name"`
	Owed    money.Amount `json:"owed"`
	Paid    money.Amount `json:"paid" doc:"All that it was ever paid"`
}

// CarrierPayment is a line of the bank's statement with which a carrier was paid.
type CarrierPayment struct {
	ID        id.CarrierPaid `json:"id"`
	Carrier   string         `json:"carrier"`
	Bank      string         `json:"bank"`
	Amount    money.Amount   `json:"amount"`
	Reference string         `json:"reference" doc:"The bank's own name for the line"`
	MadeBy    string         `json:"made_by"`
	CreatedAt time.Time      `json:"created_at"`
}

// NewCarrierPayment is one to be noted.
type NewCarrierPayment struct {
	Carrier   string       `json:"carrier" maxLength:"64" doc:"Its word in the book"`
	Amount    money.Amount `json:"amount" doc:"At most what it is owed"`
	Reference string       `json:"reference" maxLength:"100" doc:"The bank's own reference of the line, noted once"`
}

// Carriers returns every carrier whose labels were ever on sale, with what it is owed in each currency, to the operator.
func (p *Payouts) Carriers(ctx context.Context, who account.Asker) ([]Carrier, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Carrier, error) {
		list, err := db.All(tx, func(r *sql.Rows) (c Carrier, err error) {
			err = r.Scan(&c.Account, &c.Owed.Currency, &c.Name, &c.Paid.Minor)
			c.Paid.Currency = c.Owed.Currency
			return c, err
		}, `SELECT l.account, l.currency, MAX(l.carrier), CAST(COALESCE((SELECT SUM(y.amount_minor) FROM carrier_payments y WHERE y.account = l.account AND y.currency = l.currency), 0) AS BIGINT)
			FROM label_rates l GROUP BY l.account, l.currency ORDER BY l.account, l.currency`)
		if list == nil {
			list = []Carrier{}
		}
		for i := range list {
			if err == nil {
				list[i].Owed, err = ledger.BalanceOf(tx, ledger.CarrierOwed(list[i].Account), list[i].Owed.Currency)
			}
		}
		return list, err
	})
}

// PayCarrier notes that a carrier was paid from our bank, under the bank's reference. Conflict: more than it is owed, or
// the reference is there already.
func (p *Payouts) PayCarrier(ctx context.Context, who account.Asker, in NewCarrierPayment) (CarrierPayment, error) {
	if err := operatorInPerson(who); err != nil {
		return CarrierPayment{}, err
	}
	if err := in.Amount.Check(); err != nil || in.Amount.Minor < 1 {
		return CarrierPayment{}, fault.InvalidField("body.amount", "Give an amount of 1 minor unit or more, and its currency: {\"amount\": 5000, \"currency\": \"USD\"}.")
	}
	in.Reference = strings.Join(strings.Fields(in.Reference), " ")
	if n := utf8.RuneCountInString(in.Reference); n == 0 || n > 100 || !utf8.ValidString(in.Reference) || strings.ContainsRune(in.Reference, 0) {
		return CarrierPayment{}, fault.InvalidField("body.reference", "Give the bank's own reference of the line, in at most 100 characters.")
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (CarrierPayment, error) {
		if tx.Engine() != db.SQLite { // which has one writer; elsewhere two at once take turns
			if _, err := tx.Exec(`LOCK TABLE carrier_payments IN SHARE ROW EXCLUSIVE MODE`); err != nil {
				return CarrierPayment{}, err
			}
		}
		var known int64
		if err := tx.Row(`SELECT COUNT(*) FROM label_rates WHERE account = $1`, in.Carrier).Scan(&known); err != nil {
			return CarrierPayment{}, err
		}
		if known == 0 {
			return CarrierPayment{}, fault.New(fault.Missing, "There is no such carrier.")
		}
		owed, err := ledger.BalanceOf(tx, ledger.CarrierOwed(in.Carrier), in.Amount.Currency)
		if err != nil {
			return CarrierPayment{}, err
		}
		if in.Amount.Minor > owed.Minor {
			return CarrierPayment{}, fault.New(fault.Conflict, "By the books the carrier is owed %s. It cannot have been paid %s.", owed, in.Amount).WithType("over_debt")
		}
		c := CarrierPayment{ID: id.CarrierPaid("").Next(tx.Now()), Carrier: in.Carrier, Bank: p.bank(), Amount: in.Amount, Reference: in.Reference, MadeBy: who.Actor(), CreatedAt: tx.Now()}
		if c.Bank == "" {
			c.Bank = ownBank
		}
		_, err = tx.Exec(`INSERT INTO carrier_payments (id, account, bank, currency, amount_minor, reference, made_by, created_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`,
			string(c.ID), c.Carrier, c.Bank, string(c.Amount.Currency), c.Amount.Minor, c.Reference, c.MadeBy, db.Micros(c.CreatedAt))
		if db.IsUnique(err) {
			return CarrierPayment{}, fault.New(fault.Conflict, "A payment to this carrier with this reference is noted already.").WithType("reference_known")
		}
		if err != nil {
			return CarrierPayment{}, err
		}
		_, err = ledger.Post(tx, ledger.CarrierPaid(string(c.ID), c.Carrier, c.Bank, c.Amount))
		return c, err
	})
}

// CarrierPayments lists them, newest first after the one named.
func (p *Payouts) CarrierPayments(ctx context.Context, who account.Asker, after id.CarrierPaid, limit int) ([]CarrierPayment, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]CarrierPayment, error) {
		list, err := db.All(tx, func(r *sql.Rows) (c CarrierPayment, err error) {
			var at int64
			err = r.Scan(&c.ID, &c.Carrier, &c.Bank, &c.Amount.Currency, &c.Amount.Minor, &c.Reference, &c.MadeBy, &at)
			c.CreatedAt = db.Time(at)
			return c, err
		}, `SELECT id, account, bank, currency, amount_minor, reference, made_by, created_at FROM carrier_payments WHERE ($1 = '' OR id < $1) ORDER BY id DESC LIMIT CAST($2 AS INTEGER)`, string(after), limit)
		if list == nil {
			list = []CarrierPayment{}
		}
		return list, err
	})
}
