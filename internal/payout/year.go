package payout

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// Year is what one payee was credited in a calendar year (UTC), in one currency: what a marketplace tells tax
// offices. Of a brand the gross is what buyers and the platform's vouchers paid for its parts of orders, its fees
// are the platform's and the creators' shares; of a creator the gross is the commissions that became theirs.
type Year struct {
	Owner    Owner          `json:"owner"`
	Name     string         `json:"name"`
	Payee    *Payee         `json:"payee" doc:"null when nobody has said yet"`
	Year     int            `json:"year"`
	Currency money.Currency `json:"currency"`
	Months   [12]Month      `json:"months"`
	Total    Month          `json:"total"`
	Quarters [4]Month       `json:"quarters"`
}

// Month is the sums of a month, a quarter or the year, in minor units.
type Month struct {
	Count    int64 `json:"transactions"`
	Gross    int64 `json:"gross_minor" doc:"Before refunds, lost disputes, fees and taxes"`
	Refunds  int64 `json:"refunds_minor" doc:"Given back, called off, or taken back by a bank"`
	Fees     int64 `json:"fees_minor" doc:"Kept by the platform and by creators"`
	Taxes    int64 `json:"taxes_minor" doc:"Sales tax collected by the platform"`
	Withheld int64 `json:"withheld_minor" doc:"Income tax kept back from payouts"`
	PaidOut  int64 `json:"paid_out_minor"`
}

// Consideration is what was paid or credited, net of fees and taxes (DAC7).
func (m Month) Consideration() int64 { return m.Gross - m.Refunds - m.Fees - m.Taxes }

func (m *Month) add(o Month) {
	m.Count, m.Gross, m.Refunds, m.Fees = m.Count+o.Count, m.Gross+o.Gross, m.Refunds+o.Refunds, m.Fees+o.Fees
	m.Taxes, m.Withheld, m.PaidOut = m.Taxes+o.Taxes, m.Withheld+o.Withheld, m.PaidOut+o.PaidOut
}

// yearSource reads one sum: rows of owner, currency, moment, count and amount, from $1 to $2.
type yearSource struct {
	query string
	to    func(m *Month, count, minor int64)
}

// lostShares are what disputes took that were lost in a time; lostOfPart and lostOfLine what all of them took of a part or line.
const lostShares = ` FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id JOIN order_parts p ON p.id = s.part_id
	WHERE d.state = 'lost' AND d.closed_at >= $1 AND d.closed_at < $2`

func lostOfPart(what, which string) string {
	return `COALESCE((SELECT CAST(SUM(` + what + `) AS BIGINT) FROM dispute_shares s JOIN disputes d ON d.id = s.dispute_id WHERE s.part_id = p.id` + which + ` AND d.state = 'lost'), 0)`
}

func lostOfLine(what string) string {
	return lostOfPart(what, ` AND s.line_id = l.id`)
}

// taxInShipping is the tax contained in a part's shipping.
const taxInShipping = `CASE WHEN p.shipping_tax_inclusive = 1 THEN p.shipping_tax_minor ELSE 0 END`

var yearSources = []yearSource{
	{`SELECT brand_id, currency, paid_at, 1, total_minor FROM order_parts WHERE paid_at >= $1 AND paid_at < $2`,
		func(m *Month, n, minor int64) { m.Count += n; m.Gross += minor }},
	{`SELECT l.brand_id, l.currency, p.paid_at, 0, l.platform_off_minor FROM order_lines l JOIN order_parts p ON p.id = l.part_id WHERE p.paid_at >= $1 AND p.paid_at < $2 AND l.platform_off_minor > 0`,
		func(m *Month, _, minor int64) { m.Gross += minor }},
	{`SELECT l.brand_id, l.currency, p.paid_at, 0, l.fee_minor + l.commission_minor FROM order_lines l JOIN order_parts p ON p.id = l.part_id WHERE p.paid_at >= $1 AND p.paid_at < $2`,
		func(m *Month, _, minor int64) { m.Fees += minor }},
	{`SELECT l.brand_id, l.currency, p.paid_at, 0, l.tax_minor FROM order_lines l JOIN order_parts p ON p.id = l.part_id WHERE p.paid_at >= $1 AND p.paid_at < $2 AND l.tax_collected_by = 'platform'`,
		func(m *Month, _, minor int64) { m.Taxes += minor }},
	{`SELECT brand_id, currency, paid_at, 0, shipping_tax_minor FROM order_parts WHERE paid_at >= $1 AND paid_at < $2 AND shipping_tax_collected_by = 'platform'`,
		func(m *Month, _, minor int64) { m.Taxes += minor }},
	{`SELECT brand_id, currency, settled_at, 0, amount_minor FROM refunds WHERE settled_at >= $1 AND settled_at < $2 AND state = 'confirmed'`,
		func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT p.brand_id, p.currency, p.cancelled_at, 0, p.total_minor - COALESCE((SELECT SUM(r.amount_minor) FROM refunds r WHERE r.part_id = p.id AND r.state <> 'failed'), 0) - ` + lostOfPart("s.amount_minor", "") + `
		FROM order_parts p WHERE p.cancelled_at >= $1 AND p.cancelled_at < $2 AND p.paid_at > 0`,
		func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT l.brand_id, l.currency, r.settled_at, 0, x.platform_off_minor FROM refund_lines x JOIN refunds r ON r.id = x.refund_id JOIN order_lines l ON l.id = x.line_id
		WHERE r.settled_at >= $1 AND r.settled_at < $2 AND r.state = 'confirmed'`,
		func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT l.brand_id, l.currency, p.cancelled_at, 0, l.platform_off_minor - COALESCE((SELECT SUM(x.platform_off_minor) FROM refund_lines x JOIN refunds r ON r.id = x.refund_id WHERE x.line_id = l.id AND r.state <> 'failed'), 0) - ` + lostOfLine("s.voucher_minor") + `
		FROM order_lines l JOIN order_parts p ON p.id = l.part_id WHERE p.cancelled_at >= $1 AND p.cancelled_at < $2 AND p.paid_at > 0 AND l.platform_off_minor > 0`,
		func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT l.brand_id, l.currency, r.settled_at, 0, -(x.fee_minor + x.commission_minor) FROM refund_lines x JOIN refunds r ON r.id = x.refund_id JOIN order_lines l ON l.id = x.line_id
		WHERE r.settled_at >= $1 AND r.settled_at < $2 AND r.state = 'confirmed'`,
		func(m *Month, _, minor int64) { m.Fees += minor }},
	{`SELECT l.brand_id, l.currency, r.settled_at, 0, -x.tax_minor FROM refund_lines x JOIN refunds r ON r.id = x.refund_id JOIN order_lines l ON l.id = x.line_id
		WHERE r.settled_at >= $1 AND r.settled_at < $2 AND r.state = 'confirmed' AND l.tax_collected_by = 'platform'`,
		func(m *Month, _, minor int64) { m.Taxes += minor }},
	{`SELECT r.brand_id, r.currency, r.settled_at, 0, -r.shipping_tax_minor FROM refunds r JOIN order_parts p ON p.id = r.part_id
		WHERE r.settled_at >= $1 AND r.settled_at < $2 AND r.state = 'confirmed' AND p.shipping_tax_collected_by = 'platform'`,
		func(m *Month, _, minor int64) { m.Taxes += minor }},
	// Of a part that went with the platform's labels, they and what they left of the shipping are the platform's.
	{`SELECT p.brand_id, p.currency, p.shipped_at, 0, CASE WHEN p.shipping_minor - ` + taxInShipping + ` > p.label_minor AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.part_id = p.id
		AND r.with_shipping = 1 AND r.was_shipped = 0 AND r.state <> 'failed') THEN p.shipping_minor - ` + taxInShipping + ` ELSE p.label_minor END
		FROM order_parts p WHERE p.shipped_at >= $1 AND p.shipped_at < $2 AND p.label_minor > 0`,
		func(m *Month, _, minor int64) { m.Fees += minor }},
	{`SELECT brand_id, currency, shipped_at, 0, label_minor FROM samples WHERE shipped_at >= $1 AND shipped_at < $2 AND label_minor > 0`,
		func(m *Month, _, minor int64) { m.Fees += minor }},
	{`SELECT brand_id, currency, settled_at, 0, -shipping_margin_minor FROM refunds WHERE settled_at >= $1 AND settled_at < $2 AND state = 'confirmed' AND shipping_margin_minor > 0`,
		func(m *Month, _, minor int64) { m.Fees += minor }},
	// A cancellation takes back what refunds and lost disputes have left of a part.
	{`SELECT l.brand_id, l.currency, p.cancelled_at, 0, l.back_fee_minor + l.back_commission_minor - l.fee_minor - l.commission_minor + ` + lostOfLine("s.fee_minor + s.commission_minor") + `
		FROM order_lines l JOIN order_parts p ON p.id = l.part_id WHERE p.cancelled_at >= $1 AND p.cancelled_at < $2 AND p.paid_at > 0`,
		func(m *Month, _, minor int64) { m.Fees += minor }},
	{`SELECT l.brand_id, l.currency, p.cancelled_at, 0, l.back_tax_minor - l.tax_minor + ` + lostOfLine("s.tax_minor") + `
		FROM order_lines l JOIN order_parts p ON p.id = l.part_id WHERE p.cancelled_at >= $1 AND p.cancelled_at < $2 AND p.paid_at > 0 AND l.tax_collected_by = 'platform'`,
		func(m *Month, _, minor int64) { m.Taxes += minor }},
	{`SELECT p.brand_id, p.currency, p.cancelled_at, 0, ` + lostOfPart("s.tax_minor", " AND s.line_id = ''") + ` - p.shipping_tax_minor
		FROM order_parts p WHERE p.cancelled_at >= $1 AND p.cancelled_at < $2 AND p.paid_at > 0 AND p.shipping_back = 0 AND p.shipping_tax_collected_by = 'platform'`,
		func(m *Month, _, minor int64) { m.Taxes += minor }},
	// A dispute that is lost is a refund by the bank. The shipping of what was sent stays the brand's, and is the brand's again
	// where the part is sent after it was lost, unless the rest of it was given back before.
	{`SELECT s.brand_id, d.currency, d.closed_at, 0, s.amount_minor + s.voucher_minor - CASE WHEN p.shipped_at > 0 AND p.shipped_at <= d.closed_at AND p.shipping_back = 0 THEN s.shipping_minor ELSE 0 END` +
		lostShares, func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT p.brand_id, p.currency, p.shipped_at, 0, -s.shipping_minor FROM order_parts p JOIN dispute_shares s ON s.part_id = p.id AND s.line_id = '' JOIN disputes d ON d.id = s.dispute_id
		WHERE p.shipped_at >= $1 AND p.shipped_at < $2 AND p.shipping_back = 0 AND d.state = 'lost' AND d.closed_at < p.shipped_at`,
		func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT s.brand_id, d.currency, d.closed_at, 0, -(s.fee_minor + s.commission_minor)` + lostShares, func(m *Month, _, minor int64) { m.Fees += minor }},
	{`SELECT s.brand_id, d.currency, d.closed_at, 0, s.brand_tax_minor - s.tax_minor` + lostShares, func(m *Month, _, minor int64) { m.Taxes += minor }},
	{`SELECT creator_id, currency, released_at, 1, amount_minor FROM commissions WHERE released_at >= $1 AND released_at < $2`,
		func(m *Month, n, minor int64) { m.Count += n; m.Gross += minor }},
	{`SELECT creator_id, currency, released_at, 0, reversed_minor FROM commissions WHERE released_at >= $1 AND released_at < $2`,
		func(m *Month, _, minor int64) { m.Refunds += minor }},
	{`SELECT owner, currency, settled_at, 0, amount_minor - back_minor FROM payouts WHERE settled_at >= $1 AND settled_at < $2 AND state = 'confirmed'`,
		func(m *Month, _, minor int64) { m.PaidOut += minor }},
	{`SELECT owner, currency, settled_at, 0, withheld_minor FROM payouts WHERE settled_at >= $1 AND settled_at < $2 AND state = 'confirmed'`,
		func(m *Month, _, minor int64) { m.Withheld += minor }},
}

// Years returns the totals of every payee of a year, to an operator in person: they name tax ids in full.
func (p *Payouts) Years(ctx context.Context, who account.Asker, year int) ([]Year, error) {
	if err := operatorInPerson(who); err != nil {
		return nil, err
	}
	if year < 2000 || year > p.clock.Now().Year() {
		return nil, fault.InvalidField("query.year", "Ask for a year that has begun, such as %d.", p.clock.Now().Year())
	}
	if err := p.vault.ready(); err != nil {
		return nil, err
	}
	return db.Get(db.WithReadLimit(ctx, 2*time.Minute), p.db, func(tx *db.Tx) ([]Year, error) { return p.years(tx, year) })
}

func (p *Payouts) years(tx *db.Tx, year int) ([]Year, error) {
	list := []Year{}
	at := map[[2]string]int{}
	from, to := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, source := range yearSources {
		rows, err := tx.Query(source.query, db.Micros(from), db.Micros(to))
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var owner, currency string
			var moment, count, minor int64
			if err := rows.Scan(&owner, &currency, &moment, &count, &minor); err != nil {
				rows.Close()
				return nil, err
			}
			k := [2]string{owner, currency}
			if _, known := at[k]; !known {
				at[k] = len(list)
				list = append(list, Year{Owner: Owner(owner), Year: year, Currency: money.Currency(currency)})
			}
			source.to(&list[at[k]].Months[db.Time(moment).UTC().Month()-1], count, minor)
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		if err := rows.Close(); err != nil {
			return nil, err
		}
	}
	for i := range list {
		y := &list[i]
		for m, sums := range y.Months {
			y.Total.add(sums)
			y.Quarters[m/3].add(sums)
		}
		is, err := standingOf(tx, y.Owner)
		if err != nil && !fault.Is(err, fault.Missing) {
			return nil, err
		}
		y.Name = is.name
		if s, ok, err := p.payeeOf(tx, y.Owner); err != nil {
			return nil, err
		} else if ok {
			y.Payee = &s.Payee
		}
	}
	return list, nil
}

// Form is a shape in which tax offices want the totals.
type Form string

// The forms.
const (
	Form1099K Form = "1099k" // US: gross by month, transactions, tax withheld
	FormDAC7  Form = "dac7"  // EU: consideration, fees, taxes and activities by quarter
)

// YearsCSV lays totals out as a form's columns, one payee and currency a row.
func YearsCSV(form Form, years []Year) (string, error) {
	switch form {
	case Form1099K:
		return csv1099K(years), nil
	case FormDAC7:
		return csvDAC7(years), nil
	}
	return "", fault.InvalidField("query.form", "It is 1099k or dac7.")
}

func (y Year) payee() Payee {
	if y.Payee == nil {
		return Payee{}
	}
	return *y.Payee
}

func (y Year) money(minor int64) string { return money.Of(minor, y.Currency).Decimal() }

// csv1099K follows the boxes of the form: 1a gross, 1b without a card present, 3 transactions, 4 tax withheld, 5a to 5l by month.
func csv1099K(years []Year) string {
	heads := []string{"year", "payee_id", "tin", "name", "line1", "line2", "city", "state", "postal_code", "country", "currency", "box_1a_gross", "box_1b_card_not_present", "box_3_transactions", "box_4_withheld"}
	for m := time.January; m <= time.December; m++ {
		heads = append(heads, fmt.Sprintf("box_5%c_%s", 'a'+rune(m)-1, m))
	}
	out := newSheet(heads...)
	for _, y := range years {
		p := y.payee()
		row := []string{strconv.Itoa(y.Year), string(y.Owner), p.TaxID, p.Name, p.Line1, p.Line2, p.City, p.Region, p.PostalCode, p.Country, string(y.Currency),
			y.money(y.Total.Gross), y.money(y.Total.Gross), strconv.FormatInt(y.Total.Count, 10), y.money(y.Total.Withheld)}
		for _, m := range y.Months {
			row = append(row, y.money(m.Gross))
		}
		out.row(row...)
	}
	return out.String()
}

// csvDAC7 names what article 8ac asks of a platform: who, where taxed, and by quarter consideration, fees, taxes, activities.
func csvDAC7(years []Year) string {
	heads := []string{"year", "seller_id", "kind", "name", "date_of_birth", "line1", "line2", "city", "postal_code", "country", "tin", "tin_issued_by", "vat_id", "registration_number", "currency"}
	for q := 1; q <= 4; q++ {
		for _, what := range []string{"consideration", "fees", "taxes", "activities"} {
			heads = append(heads, fmt.Sprintf("q%d_%s", q, what))
		}
	}
	out := newSheet(heads...)
	for _, y := range years {
		p := y.payee()
		row := []string{strconv.Itoa(y.Year), string(y.Owner), string(p.Legal), p.Name, p.Birth, p.Line1, p.Line2, p.City, p.PostalCode, p.Country, p.TaxID, p.Country, p.VATID, p.Register, string(y.Currency)}
		for _, q := range y.Quarters {
			row = append(row, y.money(q.Consideration()), y.money(q.Fees), y.money(q.Taxes+q.Withheld), strconv.FormatInt(q.Count, 10))
		}
		out.row(row...)
	}
	return out.String()
}
