package payout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
	"mezzo/internal/payment"
)

// Reporter is a provider that tells what it holds, and by which movements.
type Reporter interface {
	Name() string
	Balance(ctx context.Context) (map[money.Currency]int64, error)
	Movements(ctx context.Context, from, to time.Time) ([]payment.Movement, error)
}

const (
	// ReconcileEvery is how often the books are compared with the provider.
	ReconcileEvery = 24 * time.Hour
	// reconcileOver is how far before the last comparison each begins: what was under way then is looked at again.
	reconcileOver = 48 * time.Hour
	// reconcileSettle is how young a movement may be and not be expected on the other side yet.
	reconcileSettle = 5 * time.Minute
)

// Difference is where a provider and the books do not say the same.
type Difference struct {
	Provider  string       `json:"provider"`
	Subject   string       `json:"subject" doc:"Whose movement: order:…, refund:…, payout:…, or balance"`
	Theirs    money.Amount `json:"provider_amount"`
	Ours      money.Amount `json:"book_amount"`
	FoundAt   time.Time    `json:"found_at"`
	SeenAt    time.Time    `json:"seen_at" doc:"When it was last found"`
	SettledAt *time.Time   `json:"settled_at,omitempty"`
	SettledBy string       `json:"settled_by,omitempty" doc:"agreed: both sides came to say the same"`
	Note      string       `json:"note,omitempty"`
}

// Comparison is one run.
type Comparison struct {
	Provider string         `json:"provider"`
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	Lines    int64          `json:"lines"`
	Found    int64          `json:"differences"`
	Holds    []money.Amount `json:"provider_holds" nullable:"false"`
	At       time.Time      `json:"at"`
}

// side names an amount by whose it is.
type side struct {
	subject  string
	currency money.Currency
}

// ReconcileDue compares when the last comparison is older than ReconcileEvery.
func (p *Payouts) ReconcileDue(ctx context.Context) error {
	if p.report == nil {
		return nil
	}
	last, err := db.Get(ctx, p.db, func(tx *db.Tx) (Comparison, error) { return lastComparison(tx, p.report.Name()) })
	if err != nil || p.clock.Now().Sub(last.At) < ReconcileEvery {
		return err
	}
	_, err = p.reconcile(ctx, last)
	return err
}

// Reconcile compares now, for the operator.
func (p *Payouts) Reconcile(ctx context.Context, who account.Asker) (Comparison, error) {
	if err := who.IsOperator(); err != nil {
		return Comparison{}, err
	}
	if p.report == nil {
		return Comparison{}, fault.New(fault.Conflict, "The payment provider tells no balance that could be compared.")
	}
	last, err := db.Get(ctx, p.db, func(tx *db.Tx) (Comparison, error) { return lastComparison(tx, p.report.Name()) })
	if err != nil {
		return Comparison{}, err
	}
	return p.reconcile(ctx, last)
}

func lastComparison(tx *db.Tx, provider string) (c Comparison, err error) {
	var from, to, at int64
	var holds string
	err = tx.Row(`SELECT provider, from_at, to_at, lines, found, balances, created_at FROM reconciliations WHERE provider = $1 ORDER BY id DESC LIMIT 1`, provider).
		Scan(&c.Provider, &from, &to, &c.Lines, &c.Found, &holds, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return Comparison{Provider: provider, Holds: []money.Amount{}}, nil
	}
	if err != nil {
		return c, err
	}
	c.From, c.To, c.At = db.Time(from), db.Time(to), db.Time(at)
	return c, json.Unmarshal([]byte(holds), &c.Holds)
}

// reconcile compares every movement since a while before the last run, and the balances.
func (p *Payouts) reconcile(ctx context.Context, last Comparison) (Comparison, error) {
	now := p.clock.Now()
	c := Comparison{Provider: p.report.Name(), From: last.To.Add(-reconcileOver), To: now.Add(-reconcileSettle), Holds: []money.Amount{}, At: now}
	if last.To.IsZero() {
		c.From = time.Unix(0, 0).UTC()
	}
	moved, err := p.report.Movements(ctx, c.From, now)
	if err != nil {
		return c, err
	}
	if err := p.hearReturns(ctx, moved); err != nil {
		return c, err
	}
	held, err := p.report.Balance(ctx)
	if err != nil {
		return c, err
	}
	for currency, minor := range held {
		c.Holds = append(c.Holds, money.Of(minor, currency))
	}
	c.Lines = int64(len(moved))
	return db.Do(db.WithoutKey(ctx), p.db, func(tx *db.Tx) (Comparison, error) {
		theirs, young, err := p.theirs(tx, moved, c.To)
		if err != nil {
			return c, err
		}
		ours, err := p.ours(tx, c.From, c.To)
		if err != nil {
			return c, err
		}
		if c.Found, err = p.compare(tx, theirs, ours, young); err != nil {
			return c, err
		}
		balances, err := json.Marshal(c.Holds)
		if err != nil {
			return c, err
		}
		_, err = tx.Exec(`INSERT INTO reconciliations (id, provider, from_at, to_at, lines, found, balances, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			string(id.Notice("").Next(tx.Now())), c.Provider, db.Micros(c.From), db.Micros(c.To), c.Lines, c.Found, string(balances), db.Micros(tx.Now()))
		return c, err
	})
}

// hearReturns has the books know of every payout that the report says came back, whole or in part: a message of it
// may have been lost.
func (p *Payouts) hearReturns(ctx context.Context, moved []payment.Movement) error {
	asked := map[string]bool{}
	for _, m := range moved {
		if m.Kind != "payout_return" || asked[m.Key] || !id.Payout(m.Key).Valid() {
			continue
		}
		asked[m.Key] = true
		if err := p.Told(ctx, id.Payout(m.Key)); err != nil && !fault.Is(err, fault.Missing) {
			return err
		}
	}
	return nil
}

// theirs sums the provider's movements by what the books call them; young are those too fresh to be expected there.
func (p *Payouts) theirs(tx *db.Tx, moved []payment.Movement, settled time.Time) (sums map[side]int64, young map[string]bool, err error) {
	sums, young = map[side]int64{}, map[string]bool{}
	for _, m := range moved {
		subject := ""
		switch m.Kind {
		case "charge":
			subject, err = p.orderOf(tx, m.Key)
		case "refund":
			subject, err = p.refundOf(tx, m)
		case "dispute", "dispute_fee", "dispute_won":
			subject, err = p.disputeOf(tx, m.Key)
		case "payout":
			if subject = "payout:" + m.Key; id.Settlement(m.Key).Valid() { // to our own bank
				subject = ledger.SettledKey(p.report.Name(), m.Key)
			}
		case "payout_return":
			subject = "payout:" + m.Key + ":returned"
		default:
			subject, err = p.otherOf(tx, m)
		}
		if err != nil {
			return nil, nil, err
		}
		if !m.At.Before(settled) {
			young[subject] = true
		}
		sums[side{subject, m.Amount.Currency}] += m.Amount.Minor
	}
	return sums, young, nil
}

// otherOf names a movement that nobody asked for. What the provider keeps for itself is booked when it is seen: it
// alone decides it.
func (p *Payouts) otherOf(tx *db.Tx, m payment.Movement) (string, error) {
	switch m.Kind {
	case "fee":
		if m.Amount.Minor < 0 {
			if _, err := ledger.Post(tx, ledger.ProviderFee(m.Ref, p.report.Name(), m.Amount.Neg())); err != nil {
				return "", err
			}
		}
		return "fee:" + m.Ref, nil
	case "refund_failed":
		return p.refundOf(tx, m)
	case "settlement":
		return p.settlementOf(tx, m)
	}
	return m.Kind + ":" + m.Key, nil
}

// tellsSettlements reports whether what the provider pays to our bank is booked from its report.
func (p *Payouts) tellsSettlements() bool {
	own, ok := p.report.(interface{ TellsSettlements() bool })
	return ok && own.TellsSettlements()
}

// settlementOf books what the provider says that it paid to our bank, once, and names it.
func (p *Payouts) settlementOf(tx *db.Tx, m payment.Movement) (string, error) {
	known, err := settlementsOf(tx, `provider = $1 AND reference = $2`, p.report.Name(), m.Ref)
	if err != nil || len(known) > 0 || m.Amount.Minor >= 0 || p.bank() == "" {
		if len(known) > 0 {
			return ledger.SettledKey(p.report.Name(), string(known[0].ID)), err
		}
		return ledger.SettledKey(p.report.Name(), m.Ref), err
	}
	s, err := p.noteSettlement(tx, Settlement{Provider: p.report.Name(), Bank: p.bank(), Amount: m.Amount.Neg(), Reference: m.Ref, MadeBy: "provider"})
	if fault.Is(err, fault.Conflict) { // more than the books say that it holds: a difference to look at
		return ledger.SettledKey(p.report.Name(), m.Ref), nil
	}
	if err == nil {
		_, err = tx.Exec(`UPDATE bank_settlements SET booked_at = $1 WHERE id = $2`, db.Micros(tx.Now()), string(s.ID))
	}
	if err == nil {
		_, err = ledger.Post(tx, ledger.ProviderSettled(ledger.Settled{Ref: string(s.ID), Provider: s.Provider, Bank: s.Bank, Amount: s.Amount}))
	}
	return ledger.SettledKey(s.Provider, string(s.ID)), err
}

// orderOf names the order a charge paid. Money that came after its order was closed never reached the books.
func (p *Payouts) orderOf(tx *db.Tx, key string) (string, error) {
	var ord string
	err := tx.Row(`SELECT order_id FROM payments WHERE id = $1`, key).Scan(&ord)
	if errors.Is(err, sql.ErrNoRows) {
		return "charge:" + key, nil
	}
	if err != nil {
		return "", err
	}
	var booked int64
	err = tx.Row(`SELECT COUNT(*) FROM (SELECT 1 FROM ledger_transfers WHERE key >= $1 AND key < $2 LIMIT 1) x`, "order:"+ord+":paid:", "order:"+ord+":paid;").Scan(&booked)
	if booked == 0 {
		return "late:" + key, err
	}
	return "order:" + ord, err
}

func (p *Payouts) refundOf(tx *db.Tx, m payment.Movement) (string, error) {
	if rest, ok := strings.CutPrefix(m.Key, "return:"); ok {
		rest, _, _ = strings.Cut(rest, ":") // a payment may be asked back more than once
		of, err := p.orderOf(tx, rest)
		if strings.HasPrefix(of, "late:") { // charged and given back, neither of them booked
			return of, err
		}
		return "refund:" + rest, err
	}
	if !strings.HasPrefix(m.Key, "refund:") { // made at the provider, not from here
		return "refund:" + m.Key, nil
	}
	return m.Key, nil
}

// disputeOf names the dispute of a provider's name for it.
func (p *Payouts) disputeOf(tx *db.Tx, ref string) (string, error) {
	var did string
	err := tx.Row(`SELECT id FROM disputes WHERE provider = $1 AND provider_ref = $2`, p.report.Name(), ref).Scan(&did)
	if errors.Is(err, sql.ErrNoRows) {
		return "dispute:" + ref, nil
	}
	return "dispute:" + did, err
}

// ours sums what the books moved on the provider's clearing by the same names.
func (p *Payouts) ours(tx *db.Tx, from, to time.Time) (map[side]int64, error) {
	sums := map[side]int64{}
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var key string
		var currency money.Currency
		var amount int64
		err := r.Scan(&key, &currency, &amount)
		sums[side{subjectOf(key), currency}] -= amount // the clearing is an asset: a debit is what they hold
		return struct{}{}, err
	}, `SELECT t.key, e.currency, e.amount FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64
		WHERE e.account = $1 AND t.created_at >= $2 AND t.created_at < $3`, string(ledger.Clearing(p.report.Name())), db.Micros(from), db.Micros(to))
	return sums, err
}

// subjectOf is whose movement a transfer of the clearing is.
func subjectOf(key string) string {
	parts := strings.Split(key, ":")
	switch {
	case len(parts) > 2 && parts[0] == "order" && parts[2] == ledger.KeyPaid:
		return parts[0] + ":" + parts[1]
	case len(parts) > 2 && parts[0] == "dispute":
		return parts[0] + ":" + parts[1]
	case len(parts) == 3 && parts[0] == "refund" && parts[2] == "confirmed", len(parts) == 3 && parts[0] == "payout" && parts[2] == "confirmed":
		return parts[0] + ":" + parts[1]
	case len(parts) == 4 && parts[0] == "payout" && parts[3] == "returned":
		return parts[0] + ":" + parts[1] + ":returned"
	case len(parts) == 4 && parts[0] == "payout" && parts[2] == "back":
		return parts[0] + ":" + parts[1] + ":returned"
	case len(parts) == 3 && parts[0] == "psp" && parts[2] == "fee":
		return "fee:" + parts[1]
	}
	return key
}

// compare keeps where both sides differ, and settles what differed before and agrees now.
func (p *Payouts) compare(tx *db.Tx, theirs, ours map[side]int64, young map[string]bool) (found int64, err error) {
	both := map[side]bool{}
	for s := range theirs {
		both[s] = true
	}
	for s := range ours {
		both[s] = true
	}
	for s := range both {
		t, o := theirs[s], ours[s]
		if strings.HasPrefix(s.subject, "late:") && t <= 0 {
			t = o
		}
		if t != o && !young[s.subject] {
			// One side may lie before the window: then all of it is looked up.
			if o, err = p.bookedFor(tx, s); err != nil {
				return found, err
			}
			if parts, err := p.parted(tx, s); err != nil {
				return found, err
			} else if parts && 0 < t && t < o {
				t = o // the other parts were reported before, and the rail has just been asked how much came back
			}
			if _, shown := theirs[s]; !shown {
				if t, err = p.reportedFor(tx, s, o); err != nil {
					return found, err
				}
			}
		}
		switch {
		case t == o:
			_, err = tx.Exec(`UPDATE differences SET settled_at = $1, settled_by = 'agreed' WHERE provider = $2 AND subject = $3 AND currency = $4 AND settled_at = 0`,
				db.Micros(tx.Now()), p.report.Name(), s.subject, string(s.currency))
		case young[s.subject]:
		default:
			found++
			_, err = tx.Exec(`INSERT INTO differences (provider, subject, currency, provider_minor, book_minor, found_at, seen_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
				ON CONFLICT (provider, subject, currency) DO UPDATE SET seen_at = excluded.seen_at, provider_minor = excluded.provider_minor, book_minor = excluded.book_minor,
				settled_at = CASE WHEN differences.provider_minor <> excluded.provider_minor OR differences.book_minor <> excluded.book_minor THEN 0 ELSE differences.settled_at END`,
				p.report.Name(), s.subject, string(s.currency), t, o, db.Micros(tx.Now()))
		}
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// bookedFor is all the books ever moved for a subject.
func (p *Payouts) bookedFor(tx *db.Tx, s side) (sum int64, err error) {
	from, to := s.subject, s.subject
	parted := "-" // how the keys begin of what came back in parts
	switch parts := strings.Split(s.subject, ":"); {
	case parts[0] == "fee":
		from = "psp:" + parts[1] + ":fee"
		to = from
	case parts[0] == "order":
		from, to = s.subject+":paid:", s.subject+":paid;"
	case parts[0] == "dispute":
		from, to = s.subject+":", s.subject+";"
	case len(parts) == 2 && (parts[0] == "refund" || parts[0] == "payout"):
		from, to = s.subject+":confirmed", s.subject+":confirmed"
	case len(parts) == 3 && parts[0] == "payout":
		from = parts[0] + ":" + parts[1] + ":confirmed:returned"
		to, parted = from, parts[0]+":"+parts[1]+":back"
	}
	err = tx.Row(`SELECT CAST(COALESCE(SUM(-e.amount), 0) AS BIGINT) FROM ledger_transfers t JOIN ledger_entries e ON e.id >= t.seq * 64 AND e.id < t.seq * 64 + 64
		WHERE (t.key >= $1 AND t.key <= $2 OR t.key >= $5 AND t.key < $6) AND e.account = $3 AND e.currency = $4`, from, to, string(ledger.Clearing(p.report.Name())), string(s.currency), parted+":", parted+";").Scan(&sum)
	return sum, err
}

// parted reports whether a subject is a payout of which the books say that a part came back.
func (p *Payouts) parted(tx *db.Tx, s side) (bool, error) {
	pot, returned := strings.CutSuffix(s.subject, ":returned")
	if !returned {
		return false, nil
	}
	var n int64
	err := tx.Row(`SELECT COUNT(*) FROM ledger_transfers WHERE key >= $1 AND key < $2`, pot+":back:", pot+":back;").Scan(&n)
	return n > 0, err
}

// reportedFor believes the provider for what it reported in a window before: nothing differs then unless it was found.
func (p *Payouts) reportedFor(tx *db.Tx, s side, booked int64) (int64, error) {
	if strings.HasPrefix(s.subject, "fee:") || strings.HasPrefix(s.subject, "settled:") && p.tellsSettlements() { // booked from a report, long after the provider took it
		return booked, nil
	}
	var before int64
	err := tx.Row(`SELECT provider_minor FROM differences WHERE provider = $1 AND subject = $2 AND currency = $3 AND settled_at = 0`, p.report.Name(), s.subject, string(s.currency)).Scan(&before)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return before, err
}

// Differences lists where provider and books differ, open ones or those dealt with.
func (p *Payouts) Differences(ctx context.Context, who account.Asker, settled bool, limit int) ([]Difference, Comparison, error) {
	if err := who.IsOperator(); err != nil {
		return nil, Comparison{}, err
	}
	var last Comparison
	list, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Difference, error) {
		if p.report != nil {
			var err error
			if last, err = lastComparison(tx, p.report.Name()); err != nil {
				return nil, err
			}
		}
		where := `settled_at = 0`
		if settled {
			where = `settled_at > 0`
		}
		return db.All(tx, scanDifference, `SELECT provider, subject, currency, provider_minor, book_minor, found_at, seen_at, settled_at, settled_by, note
			FROM differences WHERE `+where+` ORDER BY found_at DESC, subject LIMIT CAST($1 AS INTEGER)`, limit)
	})
	if list == nil {
		list = []Difference{}
	}
	return list, last, err
}

func scanDifference(r *sql.Rows) (x Difference, err error) {
	var found, seen, settled int64
	err = r.Scan(&x.Provider, &x.Subject, &x.Theirs.Currency, &x.Theirs.Minor, &x.Ours.Minor, &found, &seen, &settled, &x.SettledBy, &x.Note)
	x.Ours.Currency = x.Theirs.Currency
	x.FoundAt, x.SeenAt, x.SettledAt = db.Time(found), db.Time(seen), when(settled)
	return x, err
}
