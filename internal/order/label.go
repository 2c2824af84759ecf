package order

import (
	"context"
	"database/sql"
	"errors"
	"regexp"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Limits of the list of labels.
const (
	// MaxLabelWords is the longest name of a carrier or of its service, in characters.
	MaxLabelWords = 40
	// MaxLabelRates is how many labels may be on sale in one currency: what a brand chooses from.
	MaxLabelRates = 100
)

// NewLabelRate is a label that the platform sells to brands: a carrier's service, and what a parcel costs.
type NewLabelRate struct {
	Carrier string       `json:"carrier" maxLength:"40" doc:"As buyers read it, such as DHL"`
	Service string       `json:"service" maxLength:"40" doc:"Such as Parcel up to 2 kg"`
	Price   money.Amount `json:"price" doc:"What the carrier is owed for a parcel"`
}

// LabelRate is a label with its history: who priced it, and who ended it. It is never edited; a change ends it and
// puts another in its place.
type LabelRate struct {
	ID id.LabelRate `json:"id"`
	NewLabelRate
	Account     string       `json:"account" doc:"The carrier's word in the book: carrier:<account>"`
	Replaces    id.LabelRate `json:"replaces,omitempty" doc:"The rate this one took the place of"`
	MadeBy      string       `json:"made_by"`
	MadeByName  string       `json:"made_by_name,omitempty"`
	MadeAt      time.Time    `json:"made_at"`
	EndedBy     string       `json:"ended_by,omitempty"`
	EndedByName string       `json:"ended_by_name,omitempty"`
	EndedAt     *time.Time   `json:"ended_at" doc:"Null while it is on sale"`
}

// Version is 1 while the label is on sale and 2 once it has ended.
func (r LabelRate) Version() int64 { return ofEnd(r.EndedAt) }

// labelWords are names that may be read on a page and, of a carrier, make a word of the book.
var labelWords = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 .,&+()/-]*$`)

// carrierWord is the carrier's word in the book: one account however its name is written.
func carrierWord(name string) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	return strings.Trim(word, "-")
}

func (r NewLabelRate) clean() (NewLabelRate, error) {
	f := fault.New(fault.Invalid, "This label cannot be sold.")
	r.Carrier, r.Service = strings.Join(strings.Fields(r.Carrier), " "), strings.Join(strings.Fields(r.Service), " ")
	if len(r.Carrier) > MaxLabelWords || !labelWords.MatchString(r.Carrier) {
		f.WithField("body.carrier", "Name the carrier in at most %d letters, digits and plain signs, such as DHL.", MaxLabelWords)
	}
	if len(r.Service) > MaxLabelWords || !labelWords.MatchString(r.Service) {
		f.WithField("body.service", "Name the service in at most %d letters, digits and plain signs, such as Parcel up to 2 kg.", MaxLabelWords)
	}
	if err := r.Price.Check(); err != nil || r.Price.Minor < 1 || r.Price.Minor > maxLabelPrice {
		f.WithField("body.price", "Give a price of 1 minor unit or more, and its currency: {\"amount\": 420, \"currency\": \"USD\"}.")
	}
	if len(f.Fields) > 0 {
		return r, f
	}
	return r, nil
}

// maxLabelPrice bounds a label's price, in minor units: what a slip of the keyboard makes of it is refused.
const maxLabelPrice = 1_000_000_000

// labelTable is the list of labels as one of those whose rows are never edited.
func labelTable() versions[id.LabelRate, NewLabelRate, LabelRate] {
	return versions[id.LabelRate, NewLabelRate, LabelRate]{
		table: "label_rates", next: id.LabelRate("").Next, check: NewLabelRate.clean, says: func(r LabelRate) NewLabelRate { return r.NewLabelRate }, insert: insertLabel, read: labelRate,
		twiceType: "label_on_sale",
		words: versionWords{
			twice: "This service of the carrier is on sale already: change that label.",
			ended: "This label has ended already. Ended labels stay as they were: add another.",
			same:  "The label is like this already.",
			stale: "This label has changed since you read it. Read it again and repeat your change.",
		},
	}
}

// AddLabel puts a label on sale, for parcels sent from now on. Only the operator may. Conflict: this service of the
// carrier is on sale already.
func (o *Orders) AddLabel(ctx context.Context, who account.Asker, in NewLabelRate) (LabelRate, error) {
	return labelTable().add(ctx, o.db, who, in)
}

// ChangeLabel ends a label and puts another in its place at the same moment; match is the version it was read at, 0
// any. Parcels sent before keep what they cost. Conflict: it has ended already.
func (o *Orders) ChangeLabel(ctx context.Context, who account.Asker, rate id.LabelRate, match int64, in NewLabelRate) (LabelRate, error) {
	return labelTable().change(ctx, o.db, who, rate, match, in)
}

// EndLabel takes a label off sale; match is the version it was read at, 0 any. It stays in the history. One that has
// ended already is answered as it is.
func (o *Orders) EndLabel(ctx context.Context, who account.Asker, rate id.LabelRate, match int64) (LabelRate, error) {
	return labelTable().end(ctx, o.db, who, rate, match)
}

// LabelRate returns one label, on sale or ended, to the operator.
func (o *Orders) LabelRate(ctx context.Context, who account.Asker, rate id.LabelRate) (LabelRate, error) {
	return labelTable().one(ctx, o.db, who, rate)
}

func insertLabel(tx *db.Tx, made id.LabelRate, in NewLabelRate, replaces id.LabelRate, by string) error {
	var open int64
	if err := tx.Row(`SELECT COUNT(*) FROM label_rates WHERE currency = $1 AND ended_at = 0`, string(in.Price.Currency)).Scan(&open); err != nil {
		return err
	}
	if open >= MaxLabelRates {
		return fault.New(fault.Conflict, "At most %d labels of one currency are on sale at a time. End one first.", MaxLabelRates)
	}
	_, err := tx.Exec(`INSERT INTO label_rates(id, carrier, account, service, currency, price_minor, replaces, made_by, made_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
		made, in.Carrier, carrierWord(in.Carrier), in.Service, string(in.Price.Currency), in.Price.Minor, replaces, by, db.Micros(tx.Now()))
	return err
}

// Labels returns a page of labels to the operator, newest first after the one named: those on sale, or those that ended.
func (o *Orders) Labels(ctx context.Context, who account.Asker, ended bool, after id.LabelRate, limit int) ([]LabelRate, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]LabelRate, error) {
		return labelsWhere(tx, `(CASE WHEN r.ended_at = 0 THEN 0 ELSE 1 END) = $1 AND (CAST($2 AS TEXT) = '' OR r.id < $2) ORDER BY r.id DESC LIMIT $3`, db.Flag(ended), string(after), int64(limit))
	})
}

// LabelsFor returns the labels a brand can buy: those on sale in its currency.
func (o *Orders) LabelsFor(ctx context.Context, who account.Asker, brand id.Brand) ([]LabelRate, error) {
	if err := who.OfBrand(brand, account.OrdersRead); err != nil {
		return nil, err
	}
	return db.Get(ctx, o.db, func(tx *db.Tx) ([]LabelRate, error) {
		b, err := account.BrandOf(tx, brand)
		if err != nil {
			return nil, err
		}
		return labelsWhere(tx, `r.ended_at = 0 AND r.currency = $1 ORDER BY r.account, r.price_minor, r.id LIMIT $2`, string(b.Currency), int64(MaxLabelRates))
	})
}

const labelSelect = `SELECT r.id, r.carrier, r.account, r.service, r.currency, r.price_minor, ` + history + ` FROM label_rates r WHERE `

func labelsWhere(tx *db.Tx, where string, args ...any) ([]LabelRate, error) {
	list, err := db.All(tx, func(r *sql.Rows) (LabelRate, error) { return scanLabel(r) }, labelSelect+where, args...)
	if list == nil {
		list = []LabelRate{}
	}
	return list, err
}

func labelRate(tx *db.Tx, rate id.LabelRate) (LabelRate, error) {
	r, err := scanLabel(tx.Row(labelSelect+`r.id = $1`, rate))
	if errors.Is(err, sql.ErrNoRows) {
		return LabelRate{}, missing("label")
	}
	return r, err
}

func scanLabel(row scanner) (LabelRate, error) {
	var r LabelRate
	var made, ended int64
	err := row.Scan(&r.ID, &r.Carrier, &r.Account, &r.Service, &r.Price.Currency, &r.Price.Minor, &r.Replaces,
		&r.MadeBy, &r.MadeByName, &made, &r.EndedBy, &r.EndedByName, &ended)
	r.MadeAt, r.EndedAt = db.Time(made), endOf(ended)
	return r, err
}
