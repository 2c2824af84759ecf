package affiliate

import (
	"context"
	"database/sql"
	"slices"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Limits of what a program promises of samples.
const (
	MaxSamples     = 10_000
	MaxSampleDays  = 90
	DefaultSamples = 14 // days
)

// NoSamples is the problem type of asking for a sample where none is offered, or none is left.
const NoSamples = "no_samples"

// SampleTerms are what a program promises of free samples. What somebody asked for stays under the terms they read.
type SampleTerms struct {
	Units   int64 `json:"units" doc:"Given in all"`
	Left    int64 `json:"left" doc:"Of them, not given yet"`
	Days    int64 `json:"days" doc:"A video that tags the product is due so many days after the sample has arrived"`
	Charged bool  `json:"charged" doc:"Who publishes none in time pays the price"`
}

func (c *checks) samples(s *SampleTerms) {
	if s == nil {
		return
	}
	c.add(s.Units >= 0 && s.Units <= MaxSamples, "body.samples.units", "A program gives between 1 and %d samples; 0 for none.", MaxSamples)
	c.add(s.Units == 0 || s.Days >= 1 && s.Days <= MaxSampleDays, "body.samples.days", "Ask for content within 1 to %d days.", MaxSampleDays)
}

// setSamples stores what a program offers from now on; nil leaves it as it is.
func setSamples(tx *db.Tx, p id.Program, s *SampleTerms) error {
	if s == nil {
		return nil
	}
	if s.Units == 0 {
		_, err := tx.Exec(`UPDATE program_samples SET offered = 0 WHERE program_id = $1`, string(p))
		return err
	}
	n, err := tx.Exec(`INSERT INTO program_samples (program_id, offered, units, days, charged) VALUES ($1, 1, $2, $3, $4)
		ON CONFLICT (program_id) DO UPDATE SET offered = 1, units = excluded.units, days = excluded.days, charged = excluded.charged WHERE program_samples.given <= excluded.units`,
		string(p), s.Units, s.Days, db.Flag(s.Charged))
	if err == nil && n == 0 {
		return fault.InvalidField("body.samples.units", "More have been given already. Say at least so many, or offer none from now on.")
	}
	return err
}

// samplesOf reads what programs offer.
func samplesOf(tx *db.Tx, ids []id.Program, at map[id.Program]*Program) error {
	in, args := db.In(1, ids)
	return each(tx, func(rows *sql.Rows) error {
		var p id.Program
		s := &SampleTerms{}
		err := rows.Scan(&p, &s.Units, &s.Left, &s.Days, &s.Charged)
		at[p].Samples = s
		return err
	}, `SELECT program_id, units, units - given, days, charged FROM program_samples WHERE offered = 1 AND program_id IN `+in, args...)
}

// SampleOffer returns the terms under which a creator may ask for a sample of a product, and whose it is: the program runs,
// covers it and offers some, and the creator has accepted it. Missing when there is no such program for them; Conflict
// says what is in the way.
func SampleOffer(tx *db.Tx, program id.Program, creator id.Creator, product id.Product) (SampleTerms, id.Brand, error) {
	p, err := load(tx, program)
	if err != nil {
		return SampleTerms{}, "", err
	}
	if p.Kind != Open && !slices.Contains(p.staying(), creator) {
		return SampleTerms{}, "", errNoProgram()
	}
	var brand id.Brand
	var shelved int64
	err = tx.Row(`SELECT p.brand_id, (SELECT COUNT(*) FROM showcase s WHERE s.creator_id = $1 AND s.product_id = p.id AND s.removed_at = 0)
		FROM products p WHERE p.id = $2 AND p.state = 'active' AND p.standing <> 'removed'`, string(creator), string(product)).Scan(&brand, &shelved)
	switch {
	case err == sql.ErrNoRows || err == nil && (brand != p.Brand || !p.AllProducts && !slices.Contains(p.Products, product)):
		return SampleTerms{}, "", fault.InvalidField("body.variant_id", "This program does not cover the product.")
	case err != nil:
		return SampleTerms{}, "", err
	case p.State != "running":
		return SampleTerms{}, "", fault.New(fault.Conflict, "This program is not running at present.").WithType(NoSamples)
	case p.Samples == nil:
		return SampleTerms{}, "", fault.New(fault.Conflict, "This program offers no free samples.").WithType(NoSamples)
	case p.Samples.Left == 0:
		return SampleTerms{}, "", fault.New(fault.Conflict, "All samples of this program are given.").WithType(NoSamples)
	case shelved == 0:
		return SampleTerms{}, "", fault.New(fault.Conflict, "Put the product into your showcase first: that accepts its program.").WithType(NotInShowcase)
	}
	return *p.Samples, brand, nil
}

// CountSample notes that a program gives one sample more. Conflict "no_samples" when all are given.
func CountSample(tx *db.Tx, program id.Program) error {
	n, err := tx.Exec(`UPDATE program_samples SET given = given + 1 WHERE program_id = $1 AND given < units`, string(program))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "All samples of this program are given. Raise their number first.").WithType(NoSamples)
	}
	return err
}

// UncountSample notes that a sample was not given after all, or came back.
func UncountSample(tx *db.Tx, program id.Program) error {
	_, err := tx.Exec(`UPDATE program_samples SET given = given - 1 WHERE program_id = $1`, string(program))
	return err
}

// Sampled is a program that offers samples of a product.
type Sampled struct {
	Program id.Program
	SampleTerms
}

// SamplesFor returns of which of the products the asker could have a sample, by which program: one that names the creator before
// an open one.
func (a *Affiliate) SamplesFor(ctx context.Context, who account.Asker, products []id.Product) (map[id.Product]Sampled, error) {
	if err := who.IsCreator(); err != nil {
		return nil, err
	}
	offers := map[id.Product]Sampled{}
	if len(products) == 0 {
		return offers, nil
	}
	err := a.d.Read(ctx, func(tx *db.Tx) error {
		in, args := db.In(3, products)
		return each(tx, func(rows *sql.Rows) error {
			var p id.Product
			var s Sampled
			err := rows.Scan(&p, &s.Program, &s.Units, &s.Left, &s.Days, &s.Charged)
			if _, ok := offers[p]; !ok {
				offers[p] = s
			}
			return err
		}, `SELECT x.id, p.id, s.units, s.units - s.given, s.days, s.charged FROM products x JOIN programs p ON p.brand_id = x.brand_id JOIN program_samples s ON s.program_id = p.id
			WHERE s.offered = 1 AND s.given < s.units AND p.starts_at <= $1 AND (p.ends_at = 0 OR p.ends_at > $1) AND p.closed_at = 0
			AND (p.kind = 'open' OR EXISTS (SELECT 1 FROM program_creators c WHERE c.program_id = p.id AND c.creator_id = $2 AND c.removed_at = 0))
			AND (p.all_products = 1 OR EXISTS (SELECT 1 FROM program_products i WHERE i.program_id = p.id AND i.product_id = x.id AND i.removed_at = 0))
			AND x.id IN `+in+` ORDER BY x.id, p.kind DESC, p.id`, append([]any{db.Micros(tx.Now()), string(who.Creator)}, args...)...)
	})
	return offers, err
}
