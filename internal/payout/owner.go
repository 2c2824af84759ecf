package payout

import (
	"database/sql"
	"errors"
	"strings"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// Owner is whom money is owed: a creator or a brand, by its id.
type Owner string

// OfCreator is a creator's ownership.
func OfCreator(c id.Creator) Owner { return Owner(c) }

// OfBrand is a brand's ownership.
func OfBrand(b id.Brand) Owner { return Owner(b) }

// Creator returns the creator, "" for a brand.
func (o Owner) Creator() id.Creator {
	if strings.HasPrefix(string(o), "crt_") {
		return id.Creator(o)
	}
	return ""
}

// Brand returns the brand, "" for a creator.
func (o Owner) Brand() id.Brand {
	if o.Creator() == "" {
		return id.Brand(o)
	}
	return ""
}

// Purse is the owner's two accounts that are settled with one another.
func (o Owner) Purse() ledger.Purse {
	if c := o.Creator(); c != "" {
		return ledger.CreatorPurse(c)
	}
	return ledger.BrandPurse(o.Brand())
}

// bucket is one of the accounts an owner's money goes through.
type bucket struct {
	name    string
	account ledger.Account
}

// buckets are an owner's accounts; what is owed is an asset of ours, against them.
func (o Owner) buckets() []bucket {
	if c := o.Creator(); c != "" {
		return []bucket{{"pending", ledger.CreatorPending(c)}, {"available", ledger.CreatorAvailable(c)}, {"held", ledger.CreatorHeld(c)}, {"owed", ledger.CreatorOwes(c)}}
	}
	b := o.Brand()
	return []bucket{{"pending", ledger.BrandPending(b)}, {"available", ledger.BrandAvailable(b)}, {"held", ledger.BrandHeld(b)}, {"reserve", ledger.BrandReserve(b)}, {"owed", ledger.BrandOwes(b)}}
}

// reads lets those read an owner's money who may: the creator, the brand's people and tokens, an operator.
func reads(who account.Asker, o Owner) error {
	if b := o.Brand(); b != "" {
		return who.OfBrand(b, account.MoneyRead)
	}
	if who.Operator {
		return who.May(account.MoneyRead)
	}
	return creatorsOwn(who, o, account.MoneyRead)
}

func creatorsOwn(who account.Asker, o Owner, s account.Scope) error {
	if err := who.IsCreator(); err != nil {
		return err
	}
	if who.Creator != o.Creator() {
		return fault.New(fault.Missing, "There is no such creator, or it is not you.")
	}
	return who.May(s)
}

// pays lets those move an owner's money who may: the creator, an owner of the brand, and their tokens with the
// scope. An operator does not: nobody of the house sends other people's money anywhere.
func pays(who account.Asker, o Owner) error {
	b := o.Brand()
	if b == "" {
		return creatorsOwn(who, o, account.PayoutsWrite)
	}
	if !who.Member(b) {
		return notYours(who)
	}
	if who.TokenBrand == "" && who.Brands[b] != account.Owner {
		return fault.New(fault.Forbidden, "Only an owner of the brand, or its token with the scope %s, may pay out.", account.PayoutsWrite)
	}
	return who.May(account.PayoutsWrite)
}

// governs lets those say who is paid and where to who may: the person, signed in.
func governs(who account.Asker, o Owner) error {
	b := o.Brand()
	if b != "" && !who.Member(b) {
		return notYours(who)
	}
	if who.Token != "" {
		return fault.New(fault.Forbidden, "API tokens cannot do this: sign in.")
	}
	if b == "" {
		return creatorsOwn(who, o, account.PayoutsWrite)
	}
	if !who.IsOwner(b) {
		return fault.New(fault.Forbidden, "Only an owner of the brand, signed in, may do this.")
	}
	return nil
}

func notYours(who account.Asker) error {
	if who.Account == "" && who.TokenBrand == "" {
		return who.SignedIn()
	}
	return fault.New(fault.Missing, "There is no such brand, or it is not yours.")
}

// standing is what the house knows of an owner that bears on being paid.
type standing struct {
	over18, removed, demo bool
	name                  string
}

// standingOf reads it. A brand is over 18.
func standingOf(tx *db.Tx, o Owner) (s standing, err error) {
	var over, demo int64
	if b := o.Brand(); b != "" {
		err = tx.Row(`SELECT b.name, b.demo, CASE WHEN NOT EXISTS (SELECT 1 FROM brand_members m WHERE m.brand_id = b.id AND m.role = 'owner')
			OR EXISTS (SELECT 1 FROM brand_members m JOIN accounts a ON a.id = m.account_id WHERE m.brand_id = b.id AND m.role = 'owner' AND a.over_18 = 1) THEN 1 ELSE 0 END
			FROM brands b WHERE b.id = $1`, b).Scan(&s.name, &demo, &over)
		s.over18 = over == 1
	} else {
		var stands account.Standing
		err = tx.Row(`SELECT c.display_name, a.over_18, a.standing, a.demo FROM creators c JOIN accounts a ON a.id = c.account_id WHERE c.id = $1`, string(o)).
			Scan(&s.name, &over, &stands, &demo)
		s.over18, s.removed = over == 1, stands == account.Removed
	}
	s.demo = demo == 1
	if errors.Is(err, sql.ErrNoRows) {
		return s, fault.New(fault.Missing, "There is no such creator or brand.")
	}
	return s, err
}
