package account

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Bounds of a brand's own words.
const (
	brandNameMax = 80
	traderMax    = 300
)

// Brand is a seller with the trader behind it, who is shown wherever its goods are sold.
type Brand struct {
	ID             id.Brand       `json:"id"`
	Name           string         `json:"name"`
	Slug           string         `json:"slug"`
	LegalName      string         `json:"legal_name" doc:"The trader: who the buyer contracts with"`
	ContactEmail   string         `json:"contact_email"`
	ContactAddress string         `json:"contact_address"`
	Country        string         `json:"country" doc:"ISO 3166-1 alpha-2"`
	Currency       money.Currency `json:"currency" doc:"ISO 4217; fixed when the brand is opened"`
	Demo           bool           `json:"demo,omitempty"`
	CreatedAt      time.Time      `json:"created_at"`
	Version        int64          `json:"-"`
}

const brandColumns = `id, name, slug, legal_name, contact_email, contact_address, country, currency, demo, created_at, version`

func scanBrand(row scanner) (b Brand, err error) {
	var demo, created int64
	err = row.Scan(&b.ID, &b.Name, &b.Slug, &b.LegalName, &b.ContactEmail, &b.ContactAddress, &b.Country, &b.Currency, &demo, &created, &b.Version)
	b.Demo, b.CreatedAt = demo == 1, db.Time(created)
	return b, err
}

// BrandOf returns a brand; Missing when there is none.
func BrandOf(tx *db.Tx, brand id.Brand) (Brand, error) {
	b, err := scanBrand(tx.Row(`SELECT `+brandColumns+` FROM brands WHERE id = $1`, brand))
	if err == sql.ErrNoRows {
		return b, noBrand()
	}
	return b, err
}

func noBrand() error { return fault.New(fault.Missing, "There is no such brand.") }

// NewBrand is what opening a brand takes. The trader's fields may follow by UpdateBrand.
type NewBrand struct {
	Name, Country                           string
	Currency                                money.Currency
	LegalName, ContactEmail, ContactAddress string
}

// CreateBrand opens a brand whose owner is the asker.
func (a *Accounts) CreateBrand(ctx context.Context, who Asker, in NewBrand) (Brand, error) {
	if err := who.SignedIn(); err != nil {
		return Brand{}, err
	}
	b := Brand{Currency: money.Currency(strings.ToUpper(string(in.Currency))), Version: 1}
	change := BrandChange{Name: &in.Name, Country: &in.Country, LegalName: &in.LegalName, ContactEmail: &in.ContactEmail, ContactAddress: &in.ContactAddress}
	if err := change.apply(&b); err != nil {
		return Brand{}, err
	}
	if !b.Currency.Known() {
		return Brand{}, fault.InvalidField("body.currency", "This is not an ISO 4217 currency that Mezzo knows, such as USD.")
	}
	defer a.Forget(who.Account)
	return db.Do(ctx, a.d, func(tx *db.Tx) (Brand, error) {
		b.ID, b.CreatedAt = b.ID.Next(tx.Now()), tx.Now()
		b.Slug = slugOf(b.Name, b.ID)
		var demo int64
		if err := tx.Row(`SELECT demo FROM accounts WHERE id = $1`, who.Account).Scan(&demo); err != nil {
			return b, err
		}
		b.Demo = demo == 1
		_, err := tx.Exec(`INSERT INTO brands (id, name, slug, legal_name, contact_email, contact_address, country, currency, demo, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, b.ID, b.Name, b.Slug, b.LegalName, b.ContactEmail, b.ContactAddress,
			b.Country, b.Currency, demo, db.Micros(tx.Now()))
		if err != nil {
			return b, err
		}
		if err := putMember(tx, b.ID, who.Account, Owner); err != nil {
			return b, err
		}
		return b, event.Emit(tx, event.BrandCreated{Brand: b.ID, Country: b.Country, Currency: b.Currency})
	})
}

// slugOf makes a readable part of an address from a name; the end of the id keeps it unique.
func slugOf(name string, brand id.Brand) string {
	slug := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		case c == '\'' || c == '’':
			return -1
		}
		return '-'
	}, strings.ToLower(name))
	parts := strings.FieldsFunc(slug, func(c rune) bool { return c == '-' })
	slug = strings.Join(parts, "-")
	if len(slug) > 40 {
		slug = strings.TrimRight(slug[:40], "-")
	}
	if slug == "" {
		slug = "brand"
	}
	return slug + "-" + string(brand[len(brand)-6:])
}

// BrandChange is what owners may change; nil leaves a field as it is.
type BrandChange struct {
	Name, LegalName, ContactEmail, ContactAddress, Country *string
}

func (c BrandChange) apply(b *Brand) (err error) {
	for _, f := range []struct {
		to       *string
		from     *string
		location string
		least    int
		most     int
		lines    bool
	}{
		{&b.Name, c.Name, "body.name", 1, brandNameMax, false},
		{&b.LegalName, c.LegalName, "body.legal_name", 0, traderMax, false},
		{&b.ContactAddress, c.ContactAddress, "body.contact_address", 0, traderMax, true},
		{&b.Country, c.Country, "body.country", 2, 2, false},
	} {
		if f.from == nil {
			continue
		}
		if *f.to, err = checkText(f.location, *f.from, f.least, f.most, f.lines); err != nil {
			return err
		}
	}
	b.Country = strings.ToUpper(b.Country)
	if strings.Trim(b.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || len(b.Country) != 2 {
		return fault.InvalidField("body.country", "Give the country as two letters (ISO 3166), such as US.")
	}
	if c.ContactEmail != nil && *c.ContactEmail != "" {
		b.ContactEmail, err = CheckEmail("body.contact_email", *c.ContactEmail)
	} else if c.ContactEmail != nil {
		b.ContactEmail = ""
	}
	return err
}

// UpdateBrand changes a brand's name and the trader behind it. match is the version changed, 0 for any.
func (a *Accounts) UpdateBrand(ctx context.Context, who Asker, brand id.Brand, match int64, in BrandChange) (Brand, error) {
	if err := who.ownerOf(brand); err != nil {
		return Brand{}, err
	}
	return db.Do(ctx, a.d, func(tx *db.Tx) (Brand, error) {
		b, err := BrandOf(tx, brand)
		if err != nil {
			return b, err
		}
		if match != 0 && match != b.Version {
			return b, stale()
		}
		if err := in.apply(&b); err != nil {
			return b, err
		}
		b.Version++
		_, err = tx.Exec(`UPDATE brands SET name = $2, legal_name = $3, contact_email = $4, contact_address = $5, country = $6, version = $7
			WHERE id = $1`, b.ID, b.Name, b.LegalName, b.ContactEmail, b.ContactAddress, b.Country, b.Version)
		return b, err
	})
}

// Brand returns a brand with its trader, as everybody may see it.
func (a *Accounts) Brand(ctx context.Context, brand id.Brand) (Brand, error) {
	return db.Get(ctx, a.d, func(tx *db.Tx) (Brand, error) { return BrandOf(tx, brand) })
}

// ownerOf is Missing for strangers to the brand and Forbidden for its staff and tokens.
func (who Asker) ownerOf(b id.Brand) error {
	if who.Account == "" && who.TokenBrand == "" {
		return who.SignedIn()
	}
	if !who.Member(b) && !who.Operator || b == "" {
		return fault.New(fault.Missing, "There is no such brand, or it is not yours.")
	}
	if !who.IsOwner(b) && !(who.Operator && who.Token == "") {
		return fault.New(fault.Forbidden, "Only an owner of the brand, signed in, may do this.")
	}
	return nil
}
