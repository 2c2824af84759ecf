package payout

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
	"mezzo/internal/money"
)

// Bounds of one statement.
const (
	maxStatement     = 366 * 24 * time.Hour
	maxStatementRows = 20_000
)

// Statement is what happened to an owner's money in a time, from inclusive and to exclusive, in one currency:
// what stood at its beginning, every movement down to its transfer, what stood at its end.
type Statement struct {
	Owner     Owner          `json:"owner"`
	Name      string         `json:"name"`
	Currency  money.Currency `json:"currency"`
	From      time.Time      `json:"from"`
	To        time.Time      `json:"to"`
	Opening   Stands         `json:"opening"`
	Closing   Stands         `json:"closing" doc:"Opening and all movements"`
	Movements []Movement     `json:"movements" nullable:"false"`
	Causes    []CauseSum     `json:"by_cause" nullable:"false"`
	Vouchers  *VoucherSum    `json:"vouchers,omitempty" doc:"In what was sold in the time; left out where there were none"`
	Withheld  *money.Amount  `json:"withheld,omitempty" doc:"Of what was paid out, the tax kept back, less that of payouts which failed or came back; left out where none was"`
}

// VoucherSum is what vouchers took off the lines of a brand that were sold in a time.
type VoucherSum struct {
	Lines int          `json:"lines"`
	Own   money.Amount `json:"own" doc:"By the brand's own: a lower price, in no account"`
	House money.Amount `json:"platform" doc:"By the platform's: paid to the brand, in what was sold"`
}

// Stands is what stands in each of an owner's accounts; owed is against them.
type Stands struct {
	Pending   money.Amount `json:"pending" doc:"Sold, and held"`
	Available money.Amount `json:"available"`
	Held      money.Amount `json:"held" doc:"Under dispute"`
	Reserve   money.Amount `json:"reserve"`
	Owed      money.Amount `json:"owed" doc:"To the platform"`
	Total     money.Amount `json:"total" doc:"All of it, less what is owed"`
}

// Movement is one entry of one of the accounts.
type Movement struct {
	Transfer id.Transfer  `json:"transfer"`
	At       time.Time    `json:"at"`
	Account  string       `json:"account" enum:"pending,available,held,reserve,owed"`
	Kind     ledger.Kind  `json:"kind"`
	Key      string       `json:"key" doc:"What of the business it is: order:…, refund:…, payout:…"`
	Amount   money.Amount `json:"amount" doc:"What it changes the total by; what is owed counts against it"`
	Says     string       `json:"cause"`
	// Of a sale, what vouchers took off its line.
	Own   *money.Amount `json:"own_voucher,omitempty" doc:"By the brand's own voucher"`
	House *money.Amount `json:"platform_voucher,omitempty" doc:"By the platform's, which pays it"`
	// Of a payout, or of one that failed or came back.
	Withheld *money.Amount `json:"withheld,omitempty" doc:"Tax kept back of it; below zero where it was given back"`
}

// CauseSum is what the transfers of one cause changed the total by.
type CauseSum struct {
	Kind   ledger.Kind  `json:"kind"`
	Says   string       `json:"cause"`
	Count  int          `json:"movements"`
	Amount money.Amount `json:"amount"`
}

// causes are the kinds in words for the owner of the money.
var causes = map[ledger.Kind]string{
	ledger.KindPaid: "Sold", ledger.KindShipped: "Shipping of what you sent", ledger.KindReleased: "The hold has passed", ledger.KindCancelled: "Cancelled before it was sent",
	ledger.KindRefund: "Given back to a buyer", ledger.KindRecovered: "What was owed, paid from what was available", ledger.KindAttributed: "A commission was decided",
	ledger.KindFrozen: "Held: a buyer's bank disputes the payment", ledger.KindDisputeLost: "A dispute was lost: the buyer has the money back", ledger.KindReserve: "Reserve let go",
	ledger.KindSample: "A sample without the video agreed on", ledger.KindSampleSent: "The label of a sample", ledger.KindWrittenOff: "Written off: it is owed no more", ledger.KindPayout: "Paid out", ledger.KindReversal: "Taken back",
	ledger.KindPaidBack: "What had been paid out came back",
}

// Cause says in words what a transfer was for.
func Cause(kind ledger.Kind, key string) string {
	if kind == ledger.KindReversal && strings.HasPrefix(key, "payout:") {
		if strings.HasSuffix(key, ":failed") {
			return "A payout did not arrive"
		}
		return "A payout came back"
	}
	if kind == ledger.KindReversal && strings.HasPrefix(key, "dispute:") {
		return "A dispute was won: no longer held"
	}
	if kind == ledger.KindWrittenOff && strings.HasPrefix(key, "restored:") {
		return "Written off before, and not owed after all"
	}
	if says := causes[kind]; says != "" {
		return says
	}
	return strings.ReplaceAll(string(kind), "_", " ")
}

// Statement returns an owner's statement in a currency, "" for the one of the brand, or that in which most moved.
func (p *Payouts) Statement(ctx context.Context, who account.Asker, o Owner, c money.Currency, from, to time.Time) (Statement, error) {
	if err := reads(who, o); err != nil {
		return Statement{}, err
	}
	if !from.Before(to) || to.Sub(from) > maxStatement {
		return Statement{}, fault.InvalidField("query.from", "Ask for a time of up to 366 days, its beginning before its end.")
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (Statement, error) {
		is, err := standingOf(tx, o)
		if err != nil {
			return Statement{}, err
		}
		s := Statement{Owner: o, Name: is.name, Currency: c, From: from, To: to, Movements: []Movement{}, Causes: []CauseSum{}}
		if s.Currency, err = currencyOf(tx, o, c); err != nil {
			return Statement{}, err
		}
		return s, s.read(tx)
	})
}

// currencyOf is the currency asked for, else the owner's main one.
func currencyOf(tx *db.Tx, o Owner, c money.Currency) (money.Currency, error) {
	if c != "" {
		if !c.Known() {
			return "", fault.InvalidField("query.currency", "This is not an ISO 4217 currency that Mezzo knows, such as USD.")
		}
		return c, nil
	}
	if b := o.Brand(); b != "" {
		of, err := account.BrandOf(tx, b)
		return of.Currency, err
	}
	all, err := ledger.Balances(tx, o.buckets()[0].account, o.buckets()[1].account)
	if err != nil || len(all) == 0 {
		return "USD", err
	}
	most := map[money.Currency]int64{}
	best := all[0].Balance.Currency
	for _, b := range all {
		most[b.Balance.Currency] += b.Balance.Minor
		if most[b.Balance.Currency] > most[best] {
			best = b.Balance.Currency
		}
	}
	return best, nil
}

// read fills the statement from the book.
func (s *Statement) read(tx *db.Tx) error {
	sums := map[string]int64{}
	for _, b := range s.Owner.buckets() {
		var before int64
		err := tx.Row(`SELECT CAST(COALESCE(SUM(e.amount), 0) AS BIGINT) FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64
			WHERE e.account = $1 AND e.currency = $2 AND t.created_at < $3`, string(b.account), string(s.Currency), db.Micros(s.From)).Scan(&before)
		if err != nil {
			return err
		}
		sums[b.name] = before
	}
	s.Opening = stands(sums, s.Currency)
	rows, err := s.entries(tx)
	if err != nil {
		return err
	}
	if len(rows) > maxStatementRows {
		return fault.New(fault.TooLarge, "More than %d movements: ask for a shorter time.", maxStatementRows)
	}
	at := map[string]int{} // by the words: a reversal is of a dispute, or of a payout
	for _, m := range rows {
		sums[m.Account] += m.Amount.Minor
		s.Movements = append(s.Movements, m)
		if _, seen := at[m.Says]; !seen {
			at[m.Says] = len(s.Causes)
			s.Causes = append(s.Causes, CauseSum{Kind: m.Kind, Says: m.Says, Amount: money.Of(0, s.Currency)})
		}
		of := &s.Causes[at[m.Says]]
		of.Count++
		of.Amount.Minor += m.Amount.Minor
		if m.Withheld != nil {
			if s.Withheld == nil {
				s.Withheld = new(money.Of(0, s.Currency))
			}
			s.Withheld.Minor += m.Withheld.Minor
		}
	}
	s.Closing = stands(sums, s.Currency)
	return s.vouchers(tx)
}

// vouchers notes at each sale, and in sum, what vouchers took off it.
func (s *Statement) vouchers(tx *db.Tx) error {
	brand := s.Owner.Brand()
	if brand == "" {
		return nil
	}
	type off struct {
		line       string
		own, house int64
	}
	list, err := db.All(tx, func(r *sql.Rows) (o off, err error) {
		return o, r.Scan(&o.line, &o.own, &o.house)
	}, `SELECT l.id, l.brand_off_minor, l.platform_off_minor FROM order_lines l JOIN order_parts p ON p.id = l.part_id
		WHERE p.brand_id = $1 AND l.currency = $2 AND p.paid_at >= $3 AND p.paid_at < $4 AND (l.brand_off_minor > 0 OR l.platform_off_minor > 0)`,
		string(brand), string(s.Currency), db.Micros(s.From), db.Micros(s.To))
	if err != nil || len(list) == 0 {
		return err
	}
	by := map[string]off{}
	s.Vouchers = &VoucherSum{Lines: len(list), Own: money.Of(0, s.Currency), House: money.Of(0, s.Currency)}
	for _, o := range list {
		by[o.line] = o
		s.Vouchers.Own.Minor += o.own
		s.Vouchers.House.Minor += o.house
	}
	for i := range s.Movements {
		m := &s.Movements[i]
		o, ok := by[m.Key[strings.LastIndex(m.Key, ":")+1:]]
		if m.Kind != ledger.KindPaid || !ok {
			continue
		}
		own, house := money.Of(o.own, s.Currency), money.Of(o.house, s.Currency)
		m.Own, m.House = &own, &house
	}
	return nil
}

// Last reports whether the i-th movement is the last of its transfer: only there the total is one that ever stood.
func (s Statement) Last(i int) bool {
	return i+1 == len(s.Movements) || s.Movements[i+1].Transfer != s.Movements[i].Transfer
}

func (s *Statement) entries(tx *db.Tx) ([]Movement, error) {
	list := s.Owner.buckets()
	names := map[string]string{}
	args := []any{string(s.Currency), db.Micros(s.From), db.Micros(s.To), maxStatementRows + 1}
	for _, b := range list {
		names[string(b.account)] = b.name
		args = append(args, string(b.account))
	}
	in := "$5,$6,$7,$8"
	if len(list) > 4 {
		in += ",$9"
	}
	return db.All(tx, func(r *sql.Rows) (m Movement, err error) {
		var name string
		var entry, at, withheld int64
		err = r.Scan(&entry, &name, &m.Key, &m.Kind, &at, &m.Amount.Minor, &withheld)
		m.Amount.Currency, m.Account, m.At = s.Currency, names[name], db.Time(at)
		m.Transfer, m.Says = ledger.TransferID(at, entry/ledger.MaxLegs), Cause(m.Kind, m.Key)
		if withheld != 0 {
			m.Withheld = new(money.Of(withheld, s.Currency))
		}
		if m.Kind == ledger.KindShipped && m.Account != "pending" {
			m.Says = "Labels beyond what the buyer paid for shipping"
		}
		return m, err
	}, `SELECT e.id, e.account, t.key, t.kind, t.created_at, e.amount, CASE WHEN t.key LIKE 'payout:%' THEN
			COALESCE((SELECT CAST(SUM(w.amount) AS BIGINT) FROM ledger_entries w WHERE w.id >= t.seq * 64 AND w.id < t.seq * 64 + 64 AND w.account LIKE 'wht:%'), 0) ELSE 0 END
		FROM ledger_entries e JOIN ledger_transfers t ON t.seq = e.id / 64
		WHERE e.currency = $1 AND t.created_at >= $2 AND t.created_at < $3 AND e.account IN (`+in+`) ORDER BY e.id LIMIT CAST($4 AS INTEGER)`, args...)
}

// stands lays sums out: credits positive, so that what is owed is negative in the total.
func stands(sums map[string]int64, c money.Currency) Stands {
	of := func(name string) money.Amount { return money.Of(sums[name], c) }
	s := Stands{Pending: of("pending"), Available: of("available"), Held: of("held"), Reserve: of("reserve"), Owed: of("owed").Neg()}
	s.Total = money.Of(s.Pending.Minor+s.Available.Minor+s.Held.Minor+s.Reserve.Minor-s.Owed.Minor, c)
	return s
}

// CSV returns the statement as a spreadsheet opens it: an opening line, the movements, a closing line. The total
// stands at the last line of each transfer.
func (s Statement) CSV() string {
	out := newSheet("at", "transfer", "account", "kind", "cause", "key", "amount", "currency", "total", "own_voucher", "platform_voucher", "withheld")
	total := s.Opening.Total
	edge := func(at time.Time, kind, says string) {
		out.row(at.UTC().Format(time.RFC3339), "", "", kind, says, "", "", string(s.Currency), total.Decimal(), "", "", "")
	}
	edge(s.From, "opening", "Stood at the beginning")
	for i, m := range s.Movements {
		total.Minor += m.Amount.Minor
		then := ""
		if s.Last(i) {
			then = total.Decimal()
		}
		own, house, withheld := "", "", ""
		if m.Own != nil && m.House != nil {
			own, house = m.Own.Decimal(), m.House.Decimal()
		}
		if m.Withheld != nil {
			withheld = m.Withheld.Decimal()
		}
		out.row(m.At.UTC().Format(time.RFC3339), string(m.Transfer), m.Account, string(m.Kind), m.Says, m.Key, m.Amount.Decimal(), string(s.Currency), then, own, house, withheld)
	}
	edge(s.To, "closing", "Stands at the end")
	return out.String()
}
