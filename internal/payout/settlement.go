package payout

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payment"
)

// Settlement is money a provider has paid to a bank of ours. Buyers pay the provider and the manual rail pays out
// of the bank: without it the bank would owe what the provider holds.
type Settlement struct {
	ID        id.Settlement `json:"id"`
	Provider  string        `json:"provider"`
	Bank      string        `json:"bank"`
	Amount    money.Amount  `json:"amount"`
	Reference string        `json:"reference" doc:"The bank's own name for the line"`
	MadeBy    string        `json:"made_by"`
	CreatedAt time.Time     `json:"created_at"`
	BookedAt  *time.Time    `json:"booked_at,omitempty" doc:"Missing while the provider is being asked"`
}

// Settler is a provider that pays to our bank when it is asked; others do so by themselves, and are believed.
type Settler interface {
	PayOut(ctx context.Context, key, destination string, amount money.Amount) (payment.Paid, error)
}

const settlementColumns = `id, provider, bank, currency, amount_minor, reference, made_by, created_at, booked_at`

func scanSettlement(r *sql.Rows) (s Settlement, err error) {
	var at, booked int64
	err = r.Scan(&s.ID, &s.Provider, &s.Bank, &s.Amount.Currency, &s.Amount.Minor, &s.Reference, &s.MadeBy, &at, &booked)
	s.CreatedAt, s.BookedAt = db.Time(at), when(booked)
	return s, err
}

func settlementsOf(tx *db.Tx, where string, args ...any) ([]Settlement, error) {
	return db.All(tx, scanSettlement, `SELECT `+settlementColumns+` FROM bank_settlements WHERE `+where, args...)
}

// bank is the name of the bank the manual rail pays out of, "" where there is none.
func (p *Payouts) bank() string {
	if m, ok := p.rails[manualRail].(manual); ok {
		return m.bank
	}
	return ""
}

// Settle notes that the provider has paid an amount to our bank, under the bank's reference; a provider that waits to
// be asked is asked. Conflict: more than the provider holds by the books, or the reference is there already.
func (p *Payouts) Settle(ctx context.Context, who account.Asker, amount money.Amount, reference string) (Settlement, error) {
	if err := operatorInPerson(who); err != nil {
		return Settlement{}, err
	}
	if err := amount.Check(); err != nil || amount.Minor < 1 {
		return Settlement{}, fault.InvalidField("body.amount", "Give an amount of 1 minor unit or more, and its currency: {\"amount\": 5000, \"currency\": \"USD\"}.")
	}
	reference = strings.Join(strings.Fields(reference), " ")
	if n := utf8.RuneCountInString(reference); n == 0 || n > 100 || !utf8.ValidString(reference) || strings.ContainsRune(reference, 0) {
		return Settlement{}, fault.InvalidField("body.reference", "Give the bank's own reference of the line, in at most 100 characters.")
	}
	if p.report == nil || p.bank() == "" {
		return Settlement{}, fault.New(fault.Conflict, "There is no provider that pays to a bank of ours.")
	}
	if p.tellsSettlements() {
		return Settlement{}, fault.New(fault.Conflict, "What this provider pays to the bank stands in its own report and is booked from there: compare provider and books now.").WithType("booked_from_report")
	}
	made, err := db.Do(ctx, p.db, func(tx *db.Tx) (Settlement, error) {
		return p.noteSettlement(tx, Settlement{Provider: p.report.Name(), Bank: p.bank(), Amount: amount, Reference: reference, MadeBy: who.Actor()})
	})
	if err != nil {
		return Settlement{}, err
	}
	ctx = db.WithoutKey(ctx)
	if err := p.bookSettlement(ctx, made); err != nil {
		p.log.Warn("a settlement waits for its provider", "settlement", made.ID, "error", err) // the sweep asks again
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Settlement, error) {
		list, err := settlementsOf(tx, `id = $1`, string(made.ID))
		if err != nil || len(list) == 0 {
			return made, err
		}
		return list[0], nil
	})
}

// noteSettlement stores what is to be booked.
func (p *Payouts) noteSettlement(tx *db.Tx, s Settlement) (Settlement, error) {
	if tx.Engine() != db.SQLite { // which has one writer; elsewhere those who note and book take turns
		if _, err := tx.Exec(`LOCK TABLE bank_settlements IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return s, err
		}
	}
	held, err := ledger.BalanceOf(tx, ledger.Clearing(s.Provider), s.Amount.Currency)
	if err != nil {
		return s, err
	}
	var asked int64 // noted and not booked yet
	if err := tx.Row(`SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM bank_settlements WHERE booked_at = 0 AND provider = $1 AND currency = $2`, s.Provider, string(s.Amount.Currency)).Scan(&asked); err != nil {
		return s, err
	}
	if held.Minor -= asked; s.Amount.Minor > held.Minor {
		return s, fault.New(fault.Conflict, "By the books the provider holds %s. It cannot have paid %s to the bank.", held, s.Amount).WithType("insufficient_balance")
	}
	s.ID, s.CreatedAt = s.ID.Next(tx.Now()), tx.Now()
	_, err = tx.Exec(`INSERT INTO bank_settlements (id, provider, bank, currency, amount_minor, reference, made_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		string(s.ID), s.Provider, s.Bank, string(s.Amount.Currency), s.Amount.Minor, s.Reference, s.MadeBy, db.Micros(s.CreatedAt))
	if db.IsUnique(err) {
		return s, fault.New(fault.Conflict, "A settlement with this reference is noted already.").WithType("reference_known")
	}
	return s, err
}

// bookSettlement asks a provider that waits to be asked, and books. It may be called any number of times.
func (p *Payouts) bookSettlement(ctx context.Context, s Settlement) error {
	if ask, waits := p.report.(Settler); waits && p.report.Name() == s.Provider {
		paid, err := ask.PayOut(ctx, string(s.ID), s.Bank, s.Amount)
		if err != nil || paid.State != payment.PaidOut {
			return errors.Join(err, fmt.Errorf("payout: the provider says %q of the settlement", paid.State))
		}
	}
	return p.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE bank_settlements SET booked_at = $1 WHERE id = $2 AND booked_at = 0`, db.Micros(tx.Now()), string(s.ID))
		if err != nil || n == 0 {
			return err
		}
		_, err = ledger.Post(tx, ledger.ProviderSettled(ledger.Settled{Ref: string(s.ID), Provider: s.Provider, Bank: s.Bank, Amount: s.Amount}))
		return err
	})
}

// sweepSettlements books what a crash or a silent provider has left.
func (p *Payouts) sweepSettlements(ctx context.Context) error {
	open, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Settlement, error) {
		return settlementsOf(tx, `booked_at = 0 ORDER BY id LIMIT CAST($1 AS INTEGER)`, sweepBatch)
	})
	for _, s := range open {
		if p.report == nil || p.report.Name() != s.Provider {
			continue
		}
		err = errors.Join(err, p.bookSettlement(ctx, s))
	}
	return err
}

// Settlements lists them, newest first after the one named.
func (p *Payouts) Settlements(ctx context.Context, who account.Asker, after id.Settlement, limit int) ([]Settlement, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	list, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Settlement, error) {
		return settlementsOf(tx, `$1 = '' OR id < $1 ORDER BY id DESC LIMIT CAST($2 AS INTEGER)`, string(after), limit)
	})
	if list == nil {
		list = []Settlement{}
	}
	return list, err
}

// BankStand is what the bank of the manual rail holds in one currency, beside what has to be paid out of it.
type BankStand struct {
	Bank     string       `json:"bank"`
	Holds    money.Amount `json:"holds" doc:"By the books; below zero where the provider's payment to it was not noted"`
	Due      money.Amount `json:"due" doc:"Payouts that wait for the file, or are with the bank"`
	Clearing money.Amount `json:"provider_holds"`
}

// BankStands returns it for each currency that the bank or the provider holds or payouts wait in, to the operator.
func (p *Payouts) BankStands(ctx context.Context, who account.Asker) ([]BankStand, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	bank := p.bank()
	if bank == "" {
		return nil, nil
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]BankStand, error) {
		accounts := []ledger.Account{ledger.Bank(bank), ledger.Transit(manualRail)}
		if p.report != nil {
			accounts = append(accounts, ledger.Clearing(p.report.Name()))
		}
		list, err := ledger.Balances(tx, accounts...)
		var out []BankStand
		for _, b := range list {
			c := b.Balance.Currency
			i := 0
			for i < len(out) && out[i].Holds.Currency != c {
				i++
			}
			if i == len(out) {
				out = append(out, BankStand{Bank: bank, Holds: money.Of(0, c), Due: money.Of(0, c), Clearing: money.Of(0, c)})
			}
			switch b.Account {
			case accounts[0]:
				out[i].Holds = b.Balance
			case accounts[1]:
				out[i].Due = b.Balance
			default:
				out[i].Clearing = b.Balance
			}
		}
		return out, err
	})
}
