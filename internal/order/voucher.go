package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

// MaxCodes is how many codes a cart remembers.
const MaxCodes = 10

// What guesses at codes are limited to: a shopper's own, and those of an address, where many may shop.
var (
	guessesOfOne     = account.Rate{Burst: 10, Every: 30 * time.Second}
	guessesOfAddress = account.Rate{Burst: 200, Every: 5 * time.Second}
)

// vouchers fills in what a cart could use, what is chosen and what it saves. A cart's asker is its shopper.
func (o *Orders) vouchers(tx *db.Tx, who account.Asker, c *Cart) error {
	candidates, err := voucher.Candidates(tx, c.basket(voucher.Person{Account: who.Account, Viewer: who.Viewer}))
	if err != nil {
		return err
	}
	c.choose(candidates)
	return nil
}

// basket is what vouchers need of a cart.
func (c Cart) basket(who voucher.Person) voucher.Basket {
	b := voucher.Basket{Currency: money.Currency(c.Currency), Codes: c.Codes, Person: who}
	for _, l := range c.Lines {
		if !l.Gone && !slices.Contains(b.Brands, l.Offer.Brand) {
			b.Brands = append(b.Brands, l.Offer.Brand)
		}
	}
	return b
}

// choose finds the cart's best vouchers, obeying its wishes.
func (c *Cart) choose(candidates []voucher.Candidate) voucher.Choice {
	var lines []voucher.Line
	for _, l := range c.Lines {
		if !l.Gone {
			lines = append(lines, voucher.Line{Brand: l.Offer.Brand, Product: l.Offer.Product, Price: l.Goods.Minor, Units: l.Quantity})
		}
	}
	choice := voucher.Choose(lines, candidates, c.wishes)
	c.Offers, c.Wished = choice.Offers, choice.Wished
	c.Discounts = money.Of(choice.Saved(), money.Currency(c.Currency))
	return choice
}

// SetCodes puts voucher and creator codes on the cart, in place of those that were on it. Invalid names the
// first that is not known for what is in it; Limited after too many guesses.
func (o *Orders) SetCodes(ctx context.Context, who account.Asker, cart id.Cart, codes []string) (Cart, error) {
	return o.changeCodes(ctx, who, cart, func(Cart) ([]string, error) {
		var list []string
		for _, code := range codes {
			if key := voucher.Key(code); !slices.Contains(list, key) {
				list = append(list, key)
			}
		}
		return list, nil
	})
}

// AddCode puts one more code on the cart; one that is on it already changes nothing.
func (o *Orders) AddCode(ctx context.Context, who account.Asker, cart id.Cart, code string) (Cart, error) {
	return o.changeCodes(ctx, who, cart, func(c Cart) ([]string, error) {
		if key := voucher.Key(code); !slices.Contains(c.Codes, key) {
			return append(slices.Clone(c.Codes), key), nil
		}
		return c.Codes, nil
	})
}

// DropCode takes a code off the cart; Missing when it is not on it.
func (o *Orders) DropCode(ctx context.Context, who account.Asker, cart id.Cart, code string) (Cart, error) {
	return o.changeCodes(ctx, who, cart, func(c Cart) ([]string, error) {
		at := slices.Index(c.Codes, voucher.Key(code))
		if at < 0 {
			return nil, missing("code on this cart")
		}
		return slices.Delete(slices.Clone(c.Codes), at, at+1), nil
	})
}

func (o *Orders) changeCodes(ctx context.Context, who account.Asker, cart id.Cart, change func(Cart) ([]string, error)) (Cart, error) {
	var guessed int
	return db.Do(ctx, o.db, func(tx *db.Tx) (Cart, error) {
		if err := lockCart(tx, cart); err != nil {
			return Cart{}, err
		}
		c, err := o.openCart(tx, who, cart)
		if err != nil {
			return Cart{}, err
		}
		codes, err := change(c)
		if err != nil {
			return Cart{}, err
		}
		if len(codes) > MaxCodes {
			return Cart{}, fault.New(fault.Conflict, "A cart holds at most %d codes. Take one off first.", MaxCodes).WithType("too_many_codes")
		}
		var fresh []string
		for _, code := range codes {
			if !slices.Contains(c.Codes, code) {
				fresh = append(fresh, code)
			}
		}
		if err := o.known(tx, who, c, fresh, &guessed); err != nil {
			return Cart{}, err
		}
		if _, err := tx.Exec(`UPDATE carts SET codes = $1 WHERE id = $2`, encode(codes), cart); err != nil {
			return Cart{}, err
		}
		if err := touchCart(tx, cart, c.Currency); err != nil {
			return Cart{}, err
		}
		c.Codes, c.Version = codes, c.Version+1
		return c, o.vouchers(tx, who, &c)
	})
}

// known refuses codes that nobody gave for what is in the cart, all alike: a code of another brand is as
// unknown as none. Each that is refused counts as a guess, once however often the transaction is run: guessed is
// how many of the request do.
func (o *Orders) known(tx *db.Tx, who account.Asker, c Cart, codes []string, guessed *int) error {
	if len(codes) == 0 {
		return nil
	}
	for ; *guessed < len(codes); *guessed++ {
		wait := o.guesses.Take(who.Actor())
		if wait == 0 && who.IP != "" {
			wait = o.guessesFrom.Take(who.IP)
		}
		if wait > 0 {
			return fault.New(fault.Limited, "That were many codes in a short time. Try again in a while, or buy without one.").After(wait)
		}
	}
	b := c.basket(voucher.Person{Account: who.Account, Viewer: who.Viewer})
	b.Codes, b.Typed = codes, true
	candidates, err := voucher.Candidates(tx, b)
	if err != nil {
		return err
	}
	for i := range codes {
		if !slices.ContainsFunc(candidates, func(v voucher.Candidate) bool { return v.Typed == i+1 }) {
			return fault.InvalidField(fmt.Sprintf("body.codes[%d]", i), "This code is not known here. Look at how it is written, and put what it is for into the bag first.")
		}
	}
	for ; *guessed > 0; *guessed-- {
		o.guesses.Return(who.Actor())
		if who.IP != "" {
			o.guessesFrom.Return(who.IP)
		}
	}
	return nil
}

// Wish chooses by hand which voucher of a giver the cart uses: voucher.None for none, "" for the best again.
// Missing when the cart could not use it.
func (o *Orders) Wish(ctx context.Context, who account.Asker, cart id.Cart, giver id.Brand, wish id.Voucher) (Cart, error) {
	return db.Do(ctx, o.db, func(tx *db.Tx) (Cart, error) {
		if err := lockCart(tx, cart); err != nil {
			return Cart{}, err
		}
		c, err := o.openCart(tx, who, cart)
		if err != nil {
			return Cart{}, err
		}
		if err := o.vouchers(tx, who, &c); err != nil {
			return Cart{}, err
		}
		usable := func(v voucher.Offer) bool {
			return v.Voucher.Brand == giver && v.Why == "" && (wish == voucher.None || v.Voucher.ID == wish)
		}
		switch {
		case wish == "":
			delete(c.wishes, giver)
		case !slices.ContainsFunc(c.Offers, usable):
			return Cart{}, missing("voucher for this cart")
		default:
			c.wishes[giver] = wish
		}
		if _, err := tx.Exec(`UPDATE carts SET wishes = $1 WHERE id = $2`, encode(c.wishes), cart); err != nil {
			return Cart{}, err
		}
		if err := touchCart(tx, cart, c.Currency); err != nil {
			return Cart{}, err
		}
		c.Version++
		return c, o.vouchers(tx, who, &c)
	})
}

// readCodes reads what the cart's row says of codes and wishes.
func (c *Cart) readCodes(codes, wishes string) (err error) {
	if err = json.Unmarshal([]byte(codes), &c.Codes); err == nil {
		c.wishes, err = voucher.ReadWishes(wishes)
	}
	return err
}

// till chooses the vouchers of a checkout: the cart's own choice, without those that were just used up. A code
// that was typed and cannot be used any more is refused by name: its shopper counts on it.
func (c *Cart) till(tx *db.Tx, who voucher.Person, gone map[id.Voucher]bool) (voucher.Choice, error) {
	candidates, err := voucher.Candidates(tx, c.basket(who))
	if err != nil {
		return voucher.Choice{}, err
	}
	candidates = slices.DeleteFunc(candidates, func(v voucher.Candidate) bool { return gone[v.ID] })
	for i, code := range c.Codes {
		of := func(v voucher.Candidate) bool { return v.Typed == i+1 }
		at := slices.IndexFunc(candidates, of)
		if at >= 0 && !slices.ContainsFunc(candidates, func(v voucher.Candidate) bool { return of(v) && v.Why == "" }) {
			return voucher.Choice{}, fault.New(fault.Conflict, "The code %s cannot be used: %s Take it out of the bag to go on without it.", code, candidates[at].Why).WithType(voucher.UsedUp)
		}
	}
	return c.choose(candidates), nil
}

// uses are the vouchers an order takes: those chosen, and the creators' codes that were typed and could have
// been used.
func uses(choice voucher.Choice, currency money.Currency) []voucher.Use {
	var list []voucher.Use
	for _, v := range choice.Offers {
		if v.Chosen > 0 || v.Why == "" && v.Typed > 0 && v.Voucher.Creator != "" {
			list = append(list, voucher.Use{Voucher: v.Voucher, Amount: money.Of(v.Chosen, currency), Typed: v.Typed})
		}
	}
	return list
}

// usedFor returns the voucher of a giver that took something off a line.
func usedFor(list []voucher.Use, giver id.Brand, l CartLine, off int64) id.Voucher {
	for _, u := range list {
		if off > 0 && u.Amount.Minor > 0 && u.Voucher.Brand == giver && u.Voucher.Covers(l.Offer.Brand, l.Offer.Product) {
			return u.Voucher.ID
		}
	}
	return ""
}

// addCodes tells attribution which creators' codes cover which lines.
func addCodes(tx *db.Tx, ord *Order, s *affiliate.Sale) error {
	codes, err := voucher.CreatorCodes(tx, ord.ID)
	if err != nil {
		return err
	}
	for _, v := range codes {
		for i := range s.Lines {
			if l := &s.Lines[i]; v.Covers(l.Brand, l.Product) {
				l.Codes = append(l.Codes, affiliate.SaleCode{Voucher: v.ID, Code: v.Code, Creator: v.Creator, At: ord.PlacedAt})
			}
		}
	}
	return nil
}

// loadVouchers adds the vouchers of an order that has some.
func loadVouchers(tx *db.Tx, o *Order) (err error) {
	if o.Discounts.Minor > 0 {
		o.Vouchers, err = voucher.Of(tx, o.ID)
	}
	return err
}

// vouchersOf leaves of an order's vouchers what they took off some of its lines.
func vouchersOf(list []voucher.Used, lines []Line) []voucher.Used {
	var left []voucher.Used
	for _, u := range list {
		u.Amount.Minor = 0
		for _, l := range lines {
			if l.ByBrand == u.ID {
				u.Amount.Minor += l.Off.Brand
			}
			if l.ByPlatform == u.ID {
				u.Amount.Minor += l.Off.Platform
			}
		}
		if u.Amount.Minor > 0 {
			left = append(left, u)
		}
	}
	return left
}

// again reports whether a checkout is to be tried once more without a voucher that others were quicker to use
// and nobody typed, and notes it.
func again(err error, gone map[id.Voucher]bool) bool {
	var g *voucher.Gone
	if !errors.As(err, &g) || g.Typed || gone[g.Voucher] {
		return false
	}
	gone[g.Voucher] = true
	return true
}
