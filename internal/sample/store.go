package sample

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// seer is as whom somebody reads a sample.
type seer int

const (
	asNobody seer = iota
	asBrand
	asCreator
)

const columns = `s.id, s.program_id, s.brand_id, b.name, s.creator_id, c.handle, c.display_name, s.product_id, s.variant_id, p.title, v.title, s.state, s.note, s.reason,
	s.days, s.price_minor, s.currency, s.charged_minor, s.country, s.address, s.carrier, s.tracking, s.video_id, s.account_id,
	s.requested_at, s.decided_at, s.shipped_at, s.delivered_at, s.ended_at, s.due_at, s.version, s.label_id, s.label_service, s.label_minor, s.label_account`

const tables = ` FROM samples s JOIN brands b ON b.id = s.brand_id JOIN creators c ON c.id = s.creator_id
	JOIN products p ON p.id = s.product_id JOIN variants v ON v.id = s.variant_id WHERE `

func scan(r *sql.Rows) (s Sample, err error) {
	var requested, decided, shipped, delivered, ended, due int64
	var label Label
	err = r.Scan(&s.ID, &s.Program, &s.Brand, &s.BrandName, &s.Creator.ID, &s.Creator.Handle, &s.Creator.DisplayName, &s.Product, &s.Variant, &s.Title, &s.variantTitle,
		&s.State, &s.Note, &s.Reason, &s.Days, &s.price.Minor, &s.price.Currency, &s.charged, &s.Country, &s.address, &s.Carrier, &s.Tracking, &s.Video, &s.account,
		&requested, &decided, &shipped, &delivered, &ended, &due, &s.Version, &label.Rate, &label.Service, &label.Price.Minor, &label.account)
	s.RequestedAt = db.Time(requested)
	for _, t := range []struct {
		micros int64
		to     **time.Time
	}{{decided, &s.DecidedAt}, {shipped, &s.ShippedAt}, {delivered, &s.DeliveredAt}, {ended, &s.EndedAt}, {due, &s.DueAt}} {
		if t.micros != 0 {
			at := db.Time(t.micros)
			*t.to = &at
		}
	}
	if label.Price.Currency = s.price.Currency; label.Price.Minor > 0 {
		s.Label = &label
	}
	if s.price.Minor > 0 {
		price := s.price
		s.Charge = &price
	}
	if s.charged > 0 {
		charged := money.Of(s.charged, s.price.Currency)
		s.Charged = &charged
	}
	return s, err
}

// list reads samples.
func list(tx *db.Tx, where string, args ...any) ([]Sample, error) {
	return db.All(tx, scan, `SELECT `+columns+tables+where, args...)
}

// one reads a sample; Missing when there is none.
func one(tx *db.Tx, sample id.Sample) (Sample, error) {
	found, err := list(tx, `s.id = $1`, string(sample))
	if err == nil && len(found) == 0 {
		err = missing()
	}
	if err != nil {
		return Sample{}, err
	}
	return found[0], nil
}

// read reads a sample as its reader may see it.
func read(tx *db.Tx, sample id.Sample, as seer) (Sample, error) {
	s, err := one(tx, sample)
	if err != nil {
		return Sample{}, err
	}
	seen := []Sample{s}
	err = show(tx, seen, as)
	return seen[0], err
}

// show fills in what is not in the rows, and leaves the address only to who may read it.
func show(tx *db.Tx, samples []Sample, as seer) error {
	var creators []id.Creator
	for i := range samples {
		s := &samples[i]
		if as != asBrand {
			s.Label = nil
		}
		if s.variantTitle != "" && s.variantTitle != s.Title && !strings.EqualFold(s.variantTitle, "default") {
			s.Title += " (" + s.variantTitle + ")"
		}
		if s.address != "" && (as == asCreator || as == asBrand && s.State != Requested) {
			s.Address = &order.Address{}
			if err := json.Unmarshal([]byte(s.address), s.Address); err != nil {
				return err
			}
		}
		creators = append(creators, s.Creator.ID)
	}
	records, err := recordsOf(tx, creators)
	for i := range samples {
		samples[i].Creator.Record = records[samples[i].Creator.ID]
	}
	return err
}

// recordsOf counts what came of the samples that creators were sent.
func recordsOf(tx *db.Tx, creators []id.Creator) (map[id.Creator]Record, error) {
	records := map[id.Creator]Record{}
	if len(creators) == 0 {
		return records, nil
	}
	slices.Sort(creators)
	in, args := db.In(1, slices.Compact(creators))
	type row struct {
		creator id.Creator
		Record
	}
	rows, err := db.All(tx, func(r *sql.Rows) (x row, err error) {
		return x, r.Scan(&x.creator, &x.Sent, &x.Fulfilled, &x.Overdue, &x.Lost)
	}, `SELECT creator_id, COUNT(*), CAST(SUM(CASE WHEN state = 'fulfilled' THEN 1 ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN state = 'overdue' THEN 1 ELSE 0 END) AS BIGINT),
		CAST(SUM(CASE WHEN state = 'lost' THEN 1 ELSE 0 END) AS BIGINT) FROM samples WHERE shipped_at > 0 AND creator_id IN `+in+` GROUP BY creator_id`, args...)
	for _, r := range rows {
		records[r.creator] = r.Record
	}
	return records, err
}

// seenBy returns as whom the asker reads the sample.
func (s *Sample) seenBy(who account.Asker, scope account.Scope) seer {
	switch {
	case who.Creator != "" && who.Creator == s.Creator.ID && who.Account == s.account && who.TokenBrand == "":
		return asCreator
	case who.OfBrand(s.Brand, scope) == nil || who.Member(s.Brand):
		return asBrand
	}
	return asNobody
}

// locked takes a sample for the rest of the transaction and reads it for who may change it: its creator, and whoever is of
// its brand, whose goods and money these are. Missing for everybody else, operators too.
func locked(tx *db.Tx, who account.Asker, sample id.Sample) (Sample, seer, error) {
	s, err := take(tx, sample)
	if fault.Is(err, fault.Missing) {
		if signed := who.OfBrand("", account.ProgramsWrite); fault.Is(signed, fault.Unauthorized) {
			err = signed
		}
	}
	if err != nil {
		return Sample{}, asNobody, err
	}
	as := s.seenBy(who, account.ProgramsWrite)
	switch {
	case as == asCreator:
		err = who.May(account.ContentWrite)
	case as == asBrand && who.Member(s.Brand):
		err = who.May(account.ProgramsWrite)
	default:
		err = missing()
	}
	return s, as, err
}

// lockedOf is locked for the brand's people alone: its creator is told that it is not theirs to do.
func lockedOf(tx *db.Tx, who account.Asker, sample id.Sample) (Sample, error) {
	s, as, err := locked(tx, who, sample)
	if err == nil && as != asBrand {
		err = fault.New(fault.Forbidden, "Only its brand does this.")
	}
	return s, err
}

// take locks a sample and reads it.
func take(tx *db.Tx, sample id.Sample) (Sample, error) {
	if tx.Engine() != db.SQLite { // which has one writer
		if _, err := tx.Exec(`UPDATE samples SET version = version WHERE id = $1`, string(sample)); err != nil {
			return Sample{}, err
		}
	}
	return one(tx, sample)
}

// wanted reads what of a variant a sample needs to know, and how many are left; Missing when it is not for sale.
func wanted(tx *db.Tx, variant id.Variant) (s Sample, left int64, err error) {
	err = tx.Row(`SELECT v.product_id, v.price_minor, v.currency, t.on_hand - t.reserved FROM variants v JOIN products p ON p.id = v.product_id JOIN stock t ON t.variant_id = v.id
		WHERE v.id = $1 AND v.state = 'active' AND p.state = 'active' AND p.standing <> 'removed'`, string(variant)).Scan(&s.Product, &s.price.Minor, &s.price.Currency, &left)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.New(fault.Missing, "There is no such variant for sale.")
	}
	s.Variant = variant
	return s, left, err
}

func insert(tx *db.Tx, s *Sample) error {
	_, err := tx.Exec(`INSERT INTO samples (id, program_id, brand_id, creator_id, account_id, product_id, variant_id, state, address, country, note, days, price_minor, currency, requested_at, due_at)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)`, string(s.ID), string(s.Program), string(s.Brand), string(s.Creator.ID), string(s.account), string(s.Product),
		string(s.Variant), string(s.State), s.address, s.Country, s.Note, s.Days, s.price.Minor, string(s.price.Currency), db.Micros(s.RequestedAt), micros(s.DueAt))
	return err
}

// store writes what may change of a sample.
func (s *Sample) store(tx *db.Tx) error {
	var label Label
	if s.Label != nil {
		label = *s.Label
	}
	_, err := tx.Exec(`UPDATE samples SET state = $1, address = $2, reason = $3, price_minor = $4, charged_minor = $5, carrier = $6, tracking = $7, video_id = $8, account_id = $9,
		decided_at = $10, shipped_at = $11, delivered_at = $12, ended_at = $13, due_at = $14, version = version + 1, label_id = $16, label_service = $17, label_minor = $18, label_account = $19 WHERE id = $15`,
		string(s.State), s.address, s.Reason, s.price.Minor, s.charged, s.Carrier, s.Tracking, string(s.Video), string(s.account),
		micros(s.DecidedAt), micros(s.ShippedAt), micros(s.DeliveredAt), micros(s.EndedAt), micros(s.DueAt), string(s.ID),
		string(label.Rate), label.Service, label.Price.Minor, label.account)
	return err
}

func micros(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return db.Micros(*t)
}

// The places a unit can be in.
const world = "world"

func (s *Sample) stock() string { return "brand:" + string(s.Brand) + ":stock" }
func (s *Sample) hands() string { return "creator:" + string(s.Creator.ID) + ":samples" }

// moved enters that the unit went from one place to another.
func (s *Sample) moved(tx *db.Tx, from, to string) error {
	_, err := tx.Exec(`INSERT INTO sample_moves (sample_id, number, variant_id, from_place, to_place, units, moved_at)
		SELECT CAST($1 AS TEXT), COUNT(*) + 1, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), 1, CAST($5 AS BIGINT) FROM sample_moves WHERE sample_id = $1`,
		string(s.ID), string(s.Variant), from, to, db.Micros(tx.Now()))
	return err
}

func encode(a order.Address) string {
	b, err := json.Marshal(a)
	if err != nil {
		return ""
	}
	return string(b)
}

// Sample returns one, to its creator and its brand.
func (s *Samples) Sample(ctx context.Context, who account.Asker, sample id.Sample) (Sample, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) (Sample, error) {
		smp, err := one(tx, sample)
		if err != nil {
			return Sample{}, err
		}
		as := smp.seenBy(who, account.ProgramsRead)
		if as == asNobody {
			return Sample{}, missing()
		}
		if err := who.May(account.ProgramsRead); err != nil {
			return Sample{}, err
		}
		seen := []Sample{smp}
		err = show(tx, seen, as)
		return seen[0], err
	})
}

// Mine returns a page of the asker's samples, newest first, behind after.
func (s *Samples) Mine(ctx context.Context, who account.Asker, state State, after id.Sample, limit int) ([]Sample, error) {
	if err := who.IsCreator(); err != nil {
		return nil, err
	}
	if err := who.May(account.ProgramsRead); err != nil {
		return nil, err
	}
	return s.page(ctx, asCreator, `s.creator_id = $1`, string(who.Creator), state, after, limit)
}

// OfBrand returns a page of what a brand was asked for, newest first, behind after.
func (s *Samples) OfBrand(ctx context.Context, who account.Asker, brand id.Brand, state State, after id.Sample, limit int) ([]Sample, error) {
	if err := who.OfBrand(brand, account.ProgramsRead); err != nil {
		return nil, err
	}
	return s.page(ctx, asBrand, `s.brand_id = $1`, string(brand), state, after, limit)
}

func (s *Samples) page(ctx context.Context, as seer, where, of string, state State, after id.Sample, limit int) ([]Sample, error) {
	return db.Get(ctx, s.db, func(tx *db.Tx) ([]Sample, error) {
		found, err := list(tx, where+` AND (CAST($2 AS TEXT) = '' OR s.state = CAST($2 AS TEXT)) AND (CAST($3 AS TEXT) = '' OR s.id < CAST($3 AS TEXT)) ORDER BY s.id DESC LIMIT CAST($4 AS INTEGER)`,
			of, string(state), string(after), int64(min(max(limit, 1), MaxPage+1)))
		if err != nil {
			return nil, err
		}
		return found, show(tx, found, as)
	})
}

// Waiting counts what waits for a brand: to be answered, and to be sent.
func (s *Samples) Waiting(ctx context.Context, who account.Asker, brand id.Brand) (asked, approved int64, err error) {
	if err := who.OfBrand(brand, account.ProgramsRead); err != nil {
		return 0, 0, err
	}
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		return tx.Row(`SELECT CAST(COALESCE(SUM(CASE WHEN state = 'requested' THEN 1 ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN state = 'approved' THEN 1 ELSE 0 END), 0) AS BIGINT)
			FROM samples WHERE brand_id = $1`, string(brand)).Scan(&asked, &approved)
	})
	return asked, approved, err
}
