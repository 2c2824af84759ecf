package sample

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// Ask is what a creator asks for.
type Ask struct {
	Program id.Program
	Variant id.Variant
	Address order.Address
	Note    string        // to the brand
	Charge  *money.Amount // what the creator agrees to pay where no content comes in time
}

// Request asks a brand for a sample, by a creator who has accepted the program. What the program says now of content and
// charge holds for this sample, whatever it says later. Conflict: no_samples, not_promoted, sample_exists, own_brand,
// out_of_stock; charge_not_agreed when the program charges and Charge is not the price. Limited: too many at once or in a day.
func (s *Samples) Request(ctx context.Context, who account.Asker, in Ask) (Sample, error) {
	if err := who.IsCreator(); err != nil {
		return Sample{}, err
	}
	if err := who.May(account.ContentWrite); err != nil {
		return Sample{}, err
	}
	address, err := in.Address.Clean()
	if err != nil {
		return Sample{}, renamed(err)
	}
	note, err := cleanText("body.note", in.Note, false)
	if err != nil {
		return Sample{}, err
	}
	in.Address, in.Note = address, note
	made, err := db.Do(ctx, s.db, func(tx *db.Tx) (Sample, error) { return request(tx, who, in) })
	if db.IsUnique(err) {
		err = alreadyAsked()
	}
	return made, err
}

// renamed turns the field names of a parcel's address into those of this request.
func renamed(err error) error {
	var f *fault.Fault
	if errors.As(err, &f) {
		for i := range f.Fields {
			f.Fields[i].Location = strings.Replace(f.Fields[i].Location, "body.shipping_address.", "body.address.", 1)
		}
	}
	return err
}

func alreadyAsked() error {
	return fault.New(fault.Conflict, "You have asked for a sample of this product already.").WithType(AlreadyAsked)
}

func request(tx *db.Tx, who account.Asker, in Ask) (Sample, error) {
	if err := mayAsk(tx, who.Creator); err != nil {
		return Sample{}, err
	}
	smp, left, err := wanted(tx, in.Variant)
	if err != nil {
		return Sample{}, err
	}
	terms, brand, err := affiliate.SampleOffer(tx, in.Program, who.Creator, smp.Product)
	if err != nil {
		return Sample{}, err
	}
	var own, asked int64
	err = tx.Row(`SELECT (SELECT COUNT(*) FROM brand_members m WHERE m.brand_id = $1 AND m.account_id = $2),
		(SELECT COUNT(*) FROM samples s WHERE s.creator_id = $3 AND s.product_id = $4 AND s.state NOT IN ('declined','cancelled'))`,
		string(brand), string(who.Account), string(who.Creator), string(smp.Product)).Scan(&own, &asked)
	switch {
	case err != nil:
		return Sample{}, err
	case own > 0:
		return Sample{}, fault.New(fault.Conflict, "This is a brand of your own: take it from the shelf.").WithType(OwnProduct)
	case asked > 0:
		return Sample{}, alreadyAsked()
	case left <= 0:
		return Sample{}, fault.New(fault.Conflict, "It is sold out at present. Ask when there is some again.").WithType(catalog.OutOfStock)
	}
	if !terms.Charged {
		smp.price.Minor = 0
	} else if in.Charge == nil || *in.Charge != smp.price {
		return Sample{}, fault.New(fault.Conflict, "Without a video that tags it within %d days of its arrival you pay its price, %s. Say that you agree to this amount.", terms.Days, smp.price).
			WithType(ChargeAgreed).WithField("body.charge", "The price is %s.", smp.price)
	}
	now := tx.Now()
	due := now.Add(AnswerWithin)
	smp.ID, smp.Program, smp.Brand, smp.State, smp.Days, smp.Note = smp.ID.Next(now), in.Program, brand, Requested, terms.Days, in.Note
	smp.Creator.ID, smp.account, smp.Country, smp.address, smp.RequestedAt, smp.DueAt = who.Creator, who.Account, in.Address.Country, encode(in.Address), now, &due
	if err := insert(tx, &smp); err != nil {
		return Sample{}, err
	}
	if err := smp.tell(tx); err != nil {
		return Sample{}, err
	}
	return read(tx, smp.ID, asCreator)
}

// mayAsk holds a creator to the limits; their other requests wait meanwhile.
func mayAsk(tx *db.Tx, creator id.Creator) error {
	if _, err := tx.Exec(`UPDATE creators SET display_name = display_name WHERE id = $1`, string(creator)); err != nil {
		return err
	}
	var open, lately int64
	err := tx.Row(`SELECT CAST(COALESCE(SUM(CASE WHEN state IN ('requested','approved','shipped','delivered') THEN 1 ELSE 0 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN requested_at > $1 THEN 1 ELSE 0 END), 0) AS BIGINT) FROM samples WHERE creator_id = $2`,
		db.Micros(tx.Now().Add(-AskWindow)), string(creator)).Scan(&open, &lately)
	switch {
	case err != nil:
		return err
	case open >= MaxOpen:
		return fault.New(fault.Limited, "You have %d samples under way. Publish what is due first, or take a request back.", open).WithType("too_many_samples")
	case lately >= MaxAsks:
		return fault.New(fault.Limited, "You have asked for %d samples within a day. Go on tomorrow.", lately).WithType("too_many_samples")
	}
	return nil
}

// Withdraw takes a request back before it is sent: by its creator, or by the brand, which says why, once it has approved it.
// The unit is for sale again.
func (s *Samples) Withdraw(ctx context.Context, who account.Asker, sample id.Sample, reason string) (Sample, error) {
	reason, err := cleanText("body.reason", reason, false)
	if err != nil {
		return Sample{}, err
	}
	return db.Do(ctx, s.db, func(tx *db.Tx) (Sample, error) {
		smp, as, err := locked(tx, who, sample)
		if err != nil {
			return Sample{}, err
		}
		switch {
		case as == asBrand && smp.State == Requested:
			return Sample{}, smp.wrong("answer it instead")
		case as == asBrand && reason == "":
			return Sample{}, fault.InvalidField("body.reason", "Say why: the creator counts on it.")
		case smp.State != Requested && smp.State != Approved:
			return Sample{}, smp.wrong("only what was not sent can be called off")
		}
		if err := smp.cancel(tx, reason); err != nil {
			return Sample{}, err
		}
		return read(tx, sample, as)
	})
}

// cancel calls a sample off that was not sent; what an approval set aside is let go.
func (s *Sample) cancel(tx *db.Tx, reason string) error {
	if s.State == Approved {
		if err := catalog.LetGo(tx, s.ID); err != nil {
			return err
		}
		if err := s.uncount(tx); err != nil {
			return err
		}
	}
	s.Reason = reason
	s.end(tx.Now(), Cancelled)
	if err := s.store(tx); err != nil {
		return err
	}
	return s.tell(tx)
}

// cleanText trims a line of text and bounds it.
func cleanText(field, text string, needed bool) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", fault.InvalidField(field, "This must be text.")
	case needed && n == 0:
		return "", fault.InvalidField(field, "Say why: the creator reads it.")
	case n > MaxNote:
		return "", fault.InvalidField(field, "At most %d characters.", MaxNote)
	}
	return text, nil
}
