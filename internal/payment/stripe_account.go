package payment

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
)

// Connected is the account at Stripe of somebody who is paid.
type Connected struct {
	Owner     string // crt_… or brd_…
	ID        string // acct_…, "" while it is being made
	Country   string
	Submitted bool     // its owner has told Stripe what it asked
	Transfers bool     // money may be moved to it
	Payouts   bool     // Stripe pays it on to a bank
	Due       []string // what Stripe still asks for, as codes
	Disabled  string   // why Stripe has closed it, as a code
	UpdatedAt time.Time
}

// Ready reports whether payouts can go there.
func (c Connected) Ready() bool { return c.ID != "" && c.Transfers && c.Payouts && c.Disabled == "" }

// accountObject is a connected account as Stripe tells of it.
type accountObject struct {
	ID        string
	Submitted bool                       `json:"details_submitted"`
	Payouts   bool                       `json:"payouts_enabled"`
	Can       struct{ Transfers string } `json:"capabilities"`
	Asks      struct {
		Due      []string `json:"currently_due"`
		Disabled string   `json:"disabled_reason"`
	} `json:"requirements"`
	Metadata map[string]string `json:"metadata"`
}

func connectedOf(tx *db.Tx, where string, arg any) (c Connected, err error) {
	var due string
	var submitted, transfers, payouts, updated int64
	err = tx.Row(`SELECT owner, account_id, country, submitted, transfers, payouts, due, disabled, updated_at FROM stripe_accounts WHERE `+where, arg).
		Scan(&c.Owner, &c.ID, &c.Country, &submitted, &transfers, &payouts, &due, &c.Disabled, &updated)
	if err != nil {
		return c, err
	}
	c.Submitted, c.Transfers, c.Payouts, c.UpdatedAt = submitted == 1, transfers == 1, payouts == 1, db.Time(updated)
	return c, json.Unmarshal([]byte(due), &c.Due)
}

// Connect returns the address of Stripe's page on which the owner of an account says who they are and where their
// bank is, and makes the account first where there is none. The address works once, for some minutes. country is where
// they live; back is the path here that they come back to.
func (s *Stripe) Connect(ctx context.Context, owner, country, back string) (string, error) {
	var c Connected
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err = tx.Exec(`INSERT INTO stripe_accounts (owner, country, due, created_at, updated_at) VALUES ($1, $2, '[]', $3, $3) ON CONFLICT (owner) DO NOTHING`,
			owner, country, db.Micros(tx.Now())); err != nil {
			return err
		}
		c, err = connectedOf(tx, `owner = $1`, owner)
		return err
	})
	if err != nil {
		return "", err
	}
	asking, enough := context.WithTimeout(ctx, s.wait)
	defer enough()
	if c.ID == "" {
		if c, err = s.makeAccount(ctx, asking, c); err != nil {
			return "", err
		}
	}
	var page struct{ URL string }
	in := newForm("account", c.ID, "type", "account_onboarding", "refresh_url", s.comeBack(back, "again"), "return_url", s.comeBack(back, "back"))
	// A link works once: each is asked for anew.
	err = s.post(asking, "/v1/account_links", "link:"+rand.Text(), in, &page)
	if why := refused(err); why != nil {
		return "", fault.Wrap(fault.Conflict, err, "Stripe makes no page for this account ("+said(why)+").")
	}
	return page.URL, err
}

// makeAccount has Stripe make an account for as long as asking lasts, and keeps it even when that is over.
func (s *Stripe) makeAccount(ctx, asking context.Context, c Connected) (Connected, error) {
	var got accountObject
	err := s.post(asking, "/v1/accounts", "account:"+c.Owner+":"+c.Country, newForm("country", c.Country, "capabilities[transfers][requested]", "true",
		"controller[losses][payments]", "application", "controller[fees][payer]", "application", "controller[stripe_dashboard][type]", "express",
		"metadata[mezzo_owner]", c.Owner), &got)
	if why := refused(err); why != nil {
		// Nothing was made: another country may be said next time.
		return c, errors.Join(fault.Wrap(fault.Conflict, err, "Stripe makes no account there ("+said(why)+"): it may not pay people in this country."),
			s.db.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`DELETE FROM stripe_accounts WHERE owner = $1 AND account_id = ''`, c.Owner)
				return err
			}))
	}
	if err != nil {
		return c, err
	}
	return s.noteAccount(ctx, c, got)
}

// Connected asks Stripe where an owner's account stands; false when they have none.
func (s *Stripe) Connected(ctx context.Context, owner string) (Connected, bool, error) {
	c, err := db.Get(ctx, s.db, func(tx *db.Tx) (Connected, error) { return connectedOf(tx, `owner = $1`, owner) })
	if errors.Is(err, sql.ErrNoRows) {
		return Connected{}, false, nil
	}
	if err != nil || c.ID == "" {
		return c, err == nil, err
	}
	asking, enough := context.WithTimeout(ctx, s.wait)
	defer enough()
	var got accountObject
	if err := s.get(asking, "/v1/accounts/"+url.PathEscape(c.ID), form{}, &got); err != nil {
		return c, true, unknown(err)
	}
	c, err = s.noteAccount(ctx, c, got)
	return c, true, err
}

// noteAccount stores what Stripe says of an account.
func (s *Stripe) noteAccount(ctx context.Context, c Connected, got accountObject) (Connected, error) {
	if got.ID == "" || c.ID != "" && got.ID != c.ID {
		return c, unknown(errors.New("stripe told of another account than it was asked of"))
	}
	if got.Asks.Due == nil {
		got.Asks.Due = []string{}
	}
	due, err := json.Marshal(got.Asks.Due)
	if err != nil {
		return c, err
	}
	err = s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err = tx.Exec(`UPDATE stripe_accounts SET account_id = $1, submitted = $2, transfers = $3, payouts = $4, due = $5, disabled = $6, updated_at = $7
			WHERE owner = $8 AND account_id IN ('', $1)`, got.ID, db.Flag(got.Submitted), db.Flag(got.Can.Transfers == "active"), db.Flag(got.Payouts), string(due), got.Asks.Disabled,
			db.Micros(tx.Now()), c.Owner); err != nil {
			return err
		}
		c, err = connectedOf(tx, `owner = $1`, c.Owner)
		return err
	})
	return c, err
}
