package payout

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Legal says what a payee is before the law.
type Legal string

// What a payee can be.
const (
	Individual Legal = "individual"
	Business   Legal = "business"
)

// Payee is who is paid: what tax offices ask a marketplace for (US 1099-K, EU DAC7). It is kept encrypted,
// and shown to its owner with all but the end of the tax id hidden.
type Payee struct {
	Legal      Legal  `json:"kind" enum:"individual,business"`
	Name       string `json:"legal_name" maxLength:"200" doc:"As on the tax office's papers"`
	Birth      string `json:"date_of_birth,omitempty" maxLength:"10" doc:"YYYY-MM-DD; of an individual"`
	Line1      string `json:"line1" maxLength:"200"`
	Line2      string `json:"line2,omitempty" maxLength:"200"`
	City       string `json:"city" maxLength:"100"`
	Region     string `json:"region,omitempty" maxLength:"100"`
	PostalCode string `json:"postal_code,omitempty" maxLength:"20"`
	Country    string `json:"country" maxLength:"2" doc:"Where tax is paid, two letters (ISO 3166)"`
	TaxID      string `json:"tax_id,omitempty" maxLength:"40" doc:"SSN, EIN, TIN, Steuer-ID…"`
	VATID      string `json:"vat_id,omitempty" maxLength:"20"`
	Register   string `json:"registration_number,omitempty" maxLength:"40" doc:"In the register of companies; of a business"`
}

// PayeeView is the record as its owner sees it.
type PayeeView struct {
	Payee
	Complete  bool      `json:"complete" doc:"Payouts wait for it"`
	Missing   []string  `json:"missing" nullable:"false" doc:"Fields still to be filled in"`
	Asked     bool      `json:"asked" doc:"There was a first sale: please fill it in"`
	Over18    bool      `json:"over_18" doc:"Stated with PATCH /me by the person, or by an owner of the brand; nobody else is paid"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
	Version   int64     `json:"-"`
}

// hidden stands for what is not shown again.
const hidden = "••••"

// europe are the states of the EU, whose rule asks for a date of birth.
const europe = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "

func inEurope(country string) bool { return strings.Contains(europe, " "+country+" ") }

// withoutCodes are states whose addresses have no postal code.
const withoutCodes = " AE AG AO BS BW BZ CM FJ GH GY HK IE JM KE KN LC PA QA RW SC TT UG VU ZW "

// missing lists what is not filled in, by the names of the JSON.
func (p Payee) missing() []string {
	var list []string
	for _, f := range []struct {
		name  string
		there bool
	}{{"kind", p.Legal == Individual || p.Legal == Business}, {"legal_name", p.Name != ""}, {"line1", p.Line1 != ""}, {"city", p.City != ""},
		{"postal_code", p.PostalCode != "" || strings.Contains(withoutCodes, " "+p.Country+" ")}, {"country", p.Country != ""}, {"tax_id", p.TaxID != ""},
		{"date_of_birth", p.Birth != "" || p.Legal != Individual || !inEurope(p.Country)},
		{"registration_number", p.Register != "" || p.Legal != Business || !inEurope(p.Country)}} {
		if !f.there {
			list = append(list, f.name)
		}
	}
	return list
}

// clean checks each field that is filled in; the record may be completed later.
func (p Payee) clean(now time.Time) (Payee, error) {
	bad := fault.New(fault.Invalid, "Look at the fields: one of them cannot be read.")
	for _, f := range []struct {
		name string
		to   *string
		most int
	}{{"legal_name", &p.Name, 200}, {"line1", &p.Line1, 200}, {"line2", &p.Line2, 200}, {"city", &p.City, 100}, {"region", &p.Region, 100},
		{"postal_code", &p.PostalCode, 20}, {"tax_id", &p.TaxID, 40}, {"vat_id", &p.VATID, 20}, {"registration_number", &p.Register, 40}, {"date_of_birth", &p.Birth, 10}, {"country", &p.Country, 2}} {
		*f.to = strings.Join(strings.Fields(*f.to), " ")
		if !utf8.ValidString(*f.to) || utf8.RuneCountInString(*f.to) > f.most || strings.ContainsFunc(*f.to, unicode.IsControl) {
			bad.WithField("body."+f.name, "Write it in at most %d characters.", f.most)
		}
	}
	if p.Legal != "" && p.Legal != Individual && p.Legal != Business {
		bad.WithField("body.kind", "It is individual or business.")
	}
	p.Country = strings.ToUpper(p.Country)
	if p.Country != "" && (len(p.Country) != 2 || strings.Trim(p.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "") {
		bad.WithField("body.country", "Give the country as two letters (ISO 3166), such as US.")
	}
	if says := taxIDWrong(p.Country, p.TaxID); says != "" {
		bad.WithField("body.tax_id", "%s", says)
	}
	if p.Birth != "" {
		born, err := time.Parse(time.DateOnly, p.Birth)
		switch {
		case err != nil || born.Year() < 1900 || born.After(now):
			bad.WithField("body.date_of_birth", "Write the date as YYYY-MM-DD.")
		case born.AddDate(18, 0, 0).After(now):
			bad.WithField("body.date_of_birth", "Payouts are for people of 18 and older. What you have earned stays yours until then.")
		}
	}
	if len(bad.Fields) > 0 {
		if len(bad.Fields) == 1 {
			bad.Detail = bad.Fields[0].Message
		}
		return p, bad
	}
	return p, nil
}

// taxIDWrong says what cannot be right about a tax id; "" when it may be.
func taxIDWrong(country, tax string) string {
	if tax == "" {
		return ""
	}
	letters := 0
	for _, r := range tax {
		switch {
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z':
			letters++
		case r != '-' && r != '/' && r != '.' && r != ' ':
			return "A tax id has letters, figures and dashes only."
		}
	}
	digits := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, tax)
	if country == "US" && (len(digits) != 9 || letters != 9) {
		return "A US tax id (SSN, ITIN or EIN) has nine digits."
	}
	if letters < 4 {
		return "A tax id has at least four letters and figures."
	}
	return ""
}

// shown hides all but the end of what identifies.
func (p Payee) shown() Payee {
	p.TaxID = tail(p.TaxID)
	if p.Birth != "" {
		p.Birth = hidden + "-" + hidden[:6] + "-" + p.Birth[max(0, len(p.Birth)-2):]
	}
	return p
}

func tail(s string) string {
	r := []rune(s)
	if len(r) < 4 {
		return strings.Repeat("•", len(r))
	}
	return hidden + string(r[max(len(r)-4, len(r)/2):])
}

// stored is a record as it is kept.
type stored struct {
	Payee
	complete bool
	version  int64
	updated  time.Time
}

// payeeOf opens an owner's record; ok is false when there is none yet.
func (p *Payouts) payeeOf(tx *db.Tx, o Owner) (s stored, ok bool, err error) {
	var sealed []byte
	var complete, updated int64
	err = tx.Row(`SELECT sealed, complete, version, updated_at FROM payees WHERE owner = $1`, string(o)).Scan(&sealed, &complete, &s.version, &updated)
	if errors.Is(err, sql.ErrNoRows) {
		return stored{}, false, nil
	}
	if err != nil {
		return stored{}, false, err
	}
	text, err := p.vault.Open("payees:"+string(o), sealed)
	if err != nil {
		return stored{}, false, err
	}
	s.complete, s.updated = complete == 1, db.Time(updated)
	return s, true, json.Unmarshal(text, &s.Payee)
}

// Payee returns the owner's record as they may see it. It does not name the tax id again.
func (p *Payouts) Payee(ctx context.Context, who account.Asker, o Owner) (PayeeView, error) {
	if err := governs(who, o); err != nil {
		return PayeeView{}, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (PayeeView, error) { return p.payeeView(tx, o) })
}

func (p *Payouts) payeeView(tx *db.Tx, o Owner) (PayeeView, error) {
	is, err := standingOf(tx, o)
	if err != nil {
		return PayeeView{}, err
	}
	s, _, err := p.payeeOf(tx, o)
	if err != nil {
		return PayeeView{}, err
	}
	v := PayeeView{Payee: s.Payee.shown(), Missing: s.missing(), Over18: is.over18, UpdatedAt: s.updated, Version: s.version}
	v.Complete = len(v.Missing) == 0
	if v.Missing == nil {
		v.Missing = []string{}
	}
	var sold int64
	err = tx.Row(`SELECT COUNT(*) FROM (SELECT 1 FROM ledger_entries WHERE account = $1 LIMIT 1) x`, string(o.buckets()[0].account)).Scan(&sold)
	v.Asked = sold > 0 && !v.Complete
	return v, err
}

// PutPayee stores the owner's record; a field sent back hidden as it was shown stays as it is. match is the
// version it was made from, 0 for any.
func (p *Payouts) PutPayee(ctx context.Context, who account.Asker, o Owner, match int64, in Payee) (PayeeView, error) {
	if err := governs(who, o); err != nil {
		return PayeeView{}, err
	}
	if err := p.vault.ready(); err != nil {
		return PayeeView{}, err
	}
	version, err := db.Do(ctx, p.db, func(tx *db.Tx) (int64, error) {
		in := in // a run that is undone leaves what was read for it to nobody
		before, _, err := p.payeeOf(tx, o)
		if err != nil {
			return 0, err
		}
		if match != 0 && match != before.version {
			return 0, fault.New(fault.Stale, "This was changed since you read it. Read it again and repeat your change.")
		}
		if strings.Contains(in.TaxID, "•") {
			in.TaxID = before.TaxID
		}
		if strings.Contains(in.Birth, "•") {
			in.Birth = before.Birth
		}
		now, err := in.clean(tx.Now())
		if err != nil {
			return 0, err
		}
		return p.keepPayee(tx, who, o, now, before.version)
	})
	if err != nil || version == 0 {
		return PayeeView{}, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (PayeeView, error) { return p.payeeView(tx, o) })
}

func (p *Payouts) keepPayee(tx *db.Tx, who account.Asker, o Owner, in Payee, before int64) (int64, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return 0, err
	}
	sealed, err := p.vault.Seal("payees:"+string(o), text)
	if err != nil {
		return 0, err
	}
	now, complete := db.Micros(tx.Now()), db.Flag(len(in.missing()) == 0)
	n, err := tx.Exec(`INSERT INTO payees (owner, sealed, complete, country, changed_by, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (owner) DO UPDATE SET sealed = excluded.sealed, complete = excluded.complete, country = excluded.country,
		changed_by = excluded.changed_by, updated_at = excluded.updated_at, version = payees.version + 1 WHERE payees.version = $7`,
		string(o), sealed, complete, in.Country, who.Actor(), now, before)
	if err == nil && n == 0 {
		err = fault.New(fault.Stale, "This was changed since you read it. Read it again and repeat your change.")
	}
	if home, ok := homeOf(in); ok && err == nil { // who is paid at this address buys as the same person
		err = account.AddMarks(tx, who.Account, home)
	}
	return before + 1, err
}

// payable says why an owner is not paid yet, nil when they are: who they are is known, and they are of age.
func (p *Payouts) payable(tx *db.Tx, o Owner) (Payee, error) {
	is, err := standingOf(tx, o)
	switch {
	case err != nil:
		return Payee{}, err
	case is.removed:
		return Payee{}, fault.New(fault.Forbidden, "This account was removed; the operator decides about its money.").WithType("account_removed")
	case !is.over18 && o.Brand() != "":
		return Payee{}, fault.New(fault.Conflict, "Payouts are for people of 18 and older, and nobody who owns this brand has said that they are. An owner says so under You, or with PATCH /me {\"over_18\": true}. What the brand has earned stays its own.").WithType("age_not_stated")
	case !is.over18:
		return Payee{}, fault.New(fault.Conflict, "Payouts are for people of 18 and older, and you have not said that you are. Say so under You, or with PATCH /me {\"over_18\": true}. What you have earned stays yours.").WithType("age_not_stated")
	}
	s, _, err := p.payeeOf(tx, o)
	if err != nil {
		return Payee{}, err
	}
	if gap := s.missing(); len(gap) > 0 {
		f := fault.New(fault.Conflict, "Say first who is paid: %s. PUT /me/payee, or /brands/{id}/payee.", strings.ReplaceAll(strings.Join(gap, ", "), "_", " ")).WithType("payee_incomplete")
		for _, name := range gap {
			f.WithField("payee."+name, "This is missing.")
		}
		return Payee{}, f
	}
	return s.Payee, nil
}

// Erase scrubs where a person was paid, and who they are unless a payout of theirs must still be told to a tax
// office: then the sealed record stays, as the law asks. It is account.Eraser.
func Erase(tx *db.Tx, person id.Account) error {
	var owner string
	err := tx.Row(`SELECT id FROM creators WHERE account_id = $1`, person).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE destinations SET state = 'removed', label = 'removed', sealed = $2, mark = '' WHERE owner = $1`, owner, []byte{}); err != nil {
		return fmt.Errorf("payout: erase: %w", err)
	}
	for _, q := range []string{
		`UPDATE payout_schedules SET every = 'manual', next_at = 0, destination_id = '' WHERE owner = $1`,
		`DELETE FROM payees WHERE owner = $1 AND NOT EXISTS (SELECT 1 FROM payouts p WHERE p.owner = payees.owner AND p.state IN ('created','sent','confirmed'))`,
	} {
		if _, err := tx.Exec(q, owner); err != nil {
			return fmt.Errorf("payout: erase: %w", err)
		}
	}
	return nil
}

// Export returns what is kept here of a person, without the tax id that only they and tax offices know.
func (p *Payouts) Export(tx *db.Tx, person id.Account) (any, error) {
	var owner Owner
	err := tx.Row(`SELECT id FROM creators WHERE account_id = $1`, person).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if s, ok, err := p.payeeOf(tx, owner); err == nil && ok {
		out["payee"] = s.Payee.shown()
	}
	places, err := destinationsOf(tx, owner)
	if err != nil {
		return nil, err
	}
	out["destinations"] = slices.Clone(places)
	list, err := payoutsOf(tx, `owner = $1 ORDER BY id DESC LIMIT 10000`, string(owner))
	out["payouts"] = list
	return out, err
}
