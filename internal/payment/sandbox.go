// Package payment moves buyers' money: a sandbox provider with books of its own, for trying everything without a bank.
package payment

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// The sandbox's payment methods (API.md §7).
const (
	MethodVisa           = "pm_card_visa"
	MethodDeclined       = "pm_card_chargeDeclined"
	MethodInsufficient   = "pm_card_insufficientFunds"
	MethodAuthentication = "pm_card_authenticationRequired"
	MethodRefundFails    = "pm_card_refundFail"    // paid at once, and no refund of it succeeds
	MethodDisputed       = "pm_card_createDispute" // paid at once, and disputed by the buyer's bank
	MethodSlow           = "pm_card_slow"          // the bank answers after SlowFor
)

// SessionLife is how long the sandbox's own page waits for the buyer.
const SessionLife = 30 * time.Minute

// Sandbox is a payment provider inside Mezzo that moves no real money. It keeps its books in tables of
// its own and is spoken to only through order.Provider, as an outside provider would be.
type Sandbox struct {
	db      *db.DB
	network Network // nil is Calm
	fee     money.Bps
}

// NewSandbox returns the provider over its tables.
func NewSandbox(d *db.DB) *Sandbox { return &Sandbox{db: d} }

// Charging returns the same provider, which keeps a fee of every capture, as real ones do.
func (s *Sandbox) Charging(fee money.Bps) *Sandbox {
	return &Sandbox{db: s.db, network: s.network, fee: fee}
}

// KeepsFees reports whether it holds less than was captured before its report is read.
func (s *Sandbox) KeepsFees() bool { return s.fee > 0 }

// Name is the provider's name in the books.
func (s *Sandbox) Name() string { return "sandbox" }

// Methods lists the methods and what each does, for forms and documentation.
func Methods() [][2]string {
	return [][2]string{
		{MethodVisa, "Visa ·· 4242: succeeds at once"},
		{MethodAuthentication, "Visa ·· 3184: asks you to approve on the bank's page"},
		{MethodDeclined, "Visa ·· 0002: declined"},
		{MethodInsufficient, "Visa ·· 9995: declined, not enough money"},
		{MethodSlow, "Visa ·· 0077: the bank takes a minute to answer"},
		{MethodDisputed, "Visa ·· 0259: succeeds, and your bank disputes it"},
	}
}

type charge struct {
	id, key, hash, method, reason, secret, returnURL string
	state                                            string
	amount                                           money.Amount
	refunded                                         int64
	created                                          time.Time
	slow                                             bool // its bank answers by itself
}

const chargeColumns = `id, key, request_hash, method, reason, secret, return_url, state, amount_minor, currency, refunded_minor, created_at, succeeds_at`

func scanCharge(r *sql.Row) (charge, error) {
	var c charge
	var created, slow int64
	err := r.Scan(&c.id, &c.key, &c.hash, &c.method, &c.reason, &c.secret, &c.returnURL, &c.state, &c.amount.Minor, &c.amount.Currency, &c.refunded, &created, &slow)
	c.created, c.slow = db.Time(created), slow > 0
	return c, err
}

// card returns the method that a method is, without the word that makes it a card of its own:
// pm_card_visa_4711 is a pm_card_visa whose fingerprint is 4711. All others are nobody's card in particular.
func card(method string) string {
	if word, ok := strings.CutPrefix(method, MethodVisa+"_"); ok && word != "" && len(word) <= 64 {
		return MethodVisa
	}
	return method
}

// Charge makes the charge of a key, or answers as it stands. Invalid: no such method; Conflict: the
// key was used for another amount or method.
func (s *Sandbox) Charge(ctx context.Context, r order.ChargeRequest) (order.Charge, error) {
	state, reason, slow := "", "", time.Duration(0)
	switch card(r.Method) {
	case MethodVisa, MethodRefundFails, MethodDisputed:
		state = "succeeded"
	case MethodSlow:
		state, slow = "requires_action", SlowFor
	case MethodDeclined:
		state, reason = "declined", "card_declined"
	case MethodInsufficient:
		state, reason = "declined", "insufficient_funds"
	case MethodAuthentication:
		state = "requires_action"
	default:
		return order.Charge{}, fault.InvalidField("body.payment_method", "The sandbox knows %s, %s, %s, %s, %s, %s and %s.", MethodVisa, MethodDeclined, MethodInsufficient, MethodAuthentication, MethodSlow, MethodDisputed, MethodRefundFails)
	}
	hash := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", r.Amount.Minor, r.Amount.Currency, r.Method))
	return db.Do(db.WithoutKey(ctx), s.db, func(tx *db.Tx) (order.Charge, error) {
		due := int64(0)
		if slow > 0 {
			due = db.Micros(tx.Now().Add(slow))
		}
		made := true
		c, err := scanCharge(tx.Row(`INSERT INTO sandbox_charges(id, key, request_hash, amount_minor, currency, method, state, reason, secret, return_url, created_at, updated_at, succeeds_at, fee_minor)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$11,$12,$13) ON CONFLICT(key) DO NOTHING RETURNING `+chargeColumns,
			"sch_"+strings.TrimPrefix(string(r.Key), "pay_"), r.Key, hex.EncodeToString(hash[:]), r.Amount.Minor, r.Amount.Currency, r.Method, state, reason,
			rand.Text(), r.ReturnURL, db.Micros(tx.Now()), due, s.fee.Of(r.Amount.Minor)))
		if errors.Is(err, sql.ErrNoRows) { // it was made before
			made = false
			c, err = scanCharge(tx.Row(`SELECT `+chargeColumns+` FROM sandbox_charges WHERE key = $1`, r.Key))
		}
		if err != nil {
			return order.Charge{}, err
		}
		if c.hash != hex.EncodeToString(hash[:]) {
			return order.Charge{}, fault.New(fault.Conflict, "This payment was begun with another method or amount.").WithType("payment_running")
		}
		if made && card(r.Method) == MethodDisputed {
			if _, err := s.openDispute(tx, c, c.amount, "fraudulent"); err != nil {
				return order.Charge{}, err
			}
		}
		return c.answer(), nil
	})
}

// answer tells a charge as the provider's contract does.
func (c charge) answer() order.Charge {
	a := order.Charge{Ref: c.id, Reason: c.reason}
	if card(c.method) != c.method {
		a.Fingerprint = strings.TrimPrefix(c.method, MethodVisa+"_")
	}
	switch c.state {
	case "succeeded":
		a.State = order.ChargeSucceeded
	case "declined":
		a.State = order.ChargeDeclined
	case "cancelled":
		a.State = order.ChargeCancelled
	case "requires_action":
		if c.slow {
			a.State = order.ChargePending
			break
		}
		fallthrough
	default:
		a.State, a.RedirectURL, a.Until = order.ChargeAction, "/sandbox/pay/"+c.id+"?secret="+c.secret, c.created.Add(SessionLife)
	}
	return a
}

// Status says where the charge of the key stands.
func (s *Sandbox) Status(ctx context.Context, key id.Payment) (order.Charge, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) (order.Charge, error) {
		c, err := scanCharge(tx.Row(`SELECT `+chargeColumns+` FROM sandbox_charges WHERE key = $1`, key))
		if errors.Is(err, sql.ErrNoRows) {
			return order.Charge{State: order.ChargeNone}, nil
		}
		return c.answer(), err
	})
}

// Cancel ends the charge of the key; a key never charged can never be charged afterwards.
func (s *Sandbox) Cancel(ctx context.Context, key id.Payment) (order.Charge, error) {
	return db.Do(db.WithoutKey(ctx), s.db, func(tx *db.Tx) (order.Charge, error) {
		now := db.Micros(tx.Now())
		_, err := tx.Exec(`INSERT INTO sandbox_charges(id, key, request_hash, amount_minor, currency, method, state, created_at, updated_at)
			VALUES ($1,$2,'',0,'ZZZ','','cancelled',$3,$3)
			ON CONFLICT(key) DO UPDATE SET state = 'cancelled', updated_at = excluded.updated_at WHERE sandbox_charges.state = 'requires_action'`,
			"sch_"+strings.TrimPrefix(string(key), "pay_"), key, now)
		if err != nil {
			return order.Charge{}, err
		}
		c, err := scanCharge(tx.Row(`SELECT `+chargeColumns+` FROM sandbox_charges WHERE key = $1`, key))
		return c.answer(), err
	})
}

// Refund gives part of a captured charge back, once for each refund key. Conflict: more than is left, or a
// card that takes nothing back.
func (s *Sandbox) Refund(ctx context.Context, key id.Payment, refund string, amount money.Amount) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`INSERT INTO sandbox_refunds(key, charge_key, amount_minor, currency, created_at) VALUES ($1,$2,$3,$4,$5) ON CONFLICT(key) DO NOTHING`,
			refund, key, amount.Minor, amount.Currency, db.Micros(tx.Now()))
		if err != nil || n == 0 {
			return err
		}
		// Its row is taken first, so that a dispute of the same moment is seen.
		if _, err := tx.Exec(`UPDATE sandbox_charges SET updated_at = updated_at WHERE key = $1`, key); err != nil {
			return err
		}
		n, err = tx.Exec(`UPDATE sandbox_charges SET refunded_minor = refunded_minor + $1, updated_at = $2
			WHERE key = $3 AND state = 'succeeded' AND currency = $4 AND method <> $5
			AND refunded_minor + $1 + COALESCE((SELECT SUM(d.amount_minor) FROM sandbox_disputes d WHERE d.charge_key = sandbox_charges.key AND d.state <> 'won'), 0) <= amount_minor`,
			amount.Minor, db.Micros(tx.Now()), key, amount.Currency, MethodRefundFails)
		if err == nil && n != 1 {
			return fault.New(fault.Conflict, "The card refuses the refund, or the charge has less than %s left to give back.", amount)
		}
		return err
	})
}

// Page is what the sandbox's own page shows a buyer.
type Page struct {
	Charge    string
	Amount    money.Amount
	State     order.ChargeState
	Key       id.Payment
	ReturnURL string
	Expired   bool
}

// Session returns the page of a charge that asks the buyer; Missing without its secret.
func (s *Sandbox) Session(ctx context.Context, chargeID, secret string) (Page, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) (Page, error) { return session(tx, chargeID, secret) })
}

func session(tx *db.Tx, chargeID, secret string) (Page, error) {
	c, err := scanCharge(tx.Row(`SELECT `+chargeColumns+` FROM sandbox_charges WHERE id = $1`, chargeID))
	if errors.Is(err, sql.ErrNoRows) || (err == nil && (c.secret == "" || !hmac.Equal([]byte(c.secret), []byte(secret)))) {
		return Page{}, fault.New(fault.Missing, "There is no such payment page.")
	}
	if err != nil {
		return Page{}, err
	}
	return Page{Charge: c.id, Amount: c.amount, State: c.answer().State, Key: id.Payment(c.key), ReturnURL: c.returnURL, Expired: tx.Now().After(c.created.Add(SessionLife))}, nil
}

// Answer is the buyer's word on the sandbox's page: approve or refuse. It returns the page as it
// stands afterwards; a charge already answered stays as it is.
func (s *Sandbox) Answer(ctx context.Context, chargeID, secret string, approve bool) (Page, error) {
	return db.Do(db.WithoutKey(ctx), s.db, func(tx *db.Tx) (Page, error) {
		p, err := session(tx, chargeID, secret)
		if err != nil {
			return Page{}, err
		}
		state, reason := "declined", "authentication_refused"
		if approve && !p.Expired {
			state, reason = "succeeded", ""
		}
		if _, err := tx.Exec(`UPDATE sandbox_charges SET state = $1, reason = $2, updated_at = $3 WHERE id = $4 AND state = 'requires_action' AND succeeds_at = 0`,
			state, reason, db.Micros(tx.Now()), chargeID); err != nil {
			return Page{}, err
		}
		if err := s.tell(tx, HookCharge, string(p.Key)); err != nil {
			return Page{}, err
		}
		return session(tx, chargeID, secret)
	})
}

// Balance returns what the sandbox holds for Mezzo by currency: captured less refunded, disputed with the fees of it, and paid out. The books'
// psp:sandbox:clearing must equal it.
func (s *Sandbox) Balance(ctx context.Context) (map[money.Currency]int64, error) {
	sums := map[money.Currency]int64{}
	rows, err := db.Get(ctx, s.db, func(tx *db.Tx) ([]money.Amount, error) {
		return db.All(tx, func(r *sql.Rows) (money.Amount, error) {
			var a money.Amount
			err := r.Scan(&a.Currency, &a.Minor)
			return a, err
		}, `SELECT currency, CAST(SUM(amount_minor) AS BIGINT) FROM (
			SELECT currency, amount_minor - refunded_minor - fee_minor AS amount_minor FROM sandbox_charges WHERE state = 'succeeded'
			UNION ALL SELECT currency, -amount_minor FROM sandbox_disputes WHERE state <> 'won'
			UNION ALL SELECT currency, -fee_minor FROM sandbox_disputes
			UNION ALL SELECT currency, -amount_minor FROM sandbox_payouts WHERE state = 'paid') held GROUP BY currency`)
	})
	for _, a := range rows {
		sums[a.Currency] = a.Minor
	}
	return sums, err
}
