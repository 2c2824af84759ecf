package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// MaxEvidence is the longest evidence of one brand, in characters.
const MaxEvidence = 5000

// MaxSubmissions is how often one brand may say something to one dispute: all of it is kept.
const MaxSubmissions = 50

// Evidence is what a brand says for itself.
type Evidence struct {
	Brand id.Brand
	Says  string
	At    time.Time
}

// SubmitEvidence hands in what a brand says to a dispute of an order of its own, in place of what it said
// before. It is stored first and then handed to the provider, together with what other brands of the order
// said; what the provider does not take at once the sweep hands in again. Conflict: closed, or too late.
func (o *Orders) SubmitEvidence(ctx context.Context, who account.Asker, brand id.Brand, did id.Dispute, says string) (Dispute, error) {
	if err := who.OfBrand(brand, account.OrdersWrite); err != nil {
		return Dispute{}, err
	}
	says = strings.TrimSpace(says)
	if n := utf8.RuneCountInString(says); n < 1 || n > MaxEvidence || !utf8.ValidString(says) || strings.ContainsRune(says, 0) {
		return Dispute{}, fault.InvalidField("body.evidence", "Say what happened, in 1 to %d characters: what was sold, when it was sent and to whom, and what the buyer wrote.", MaxEvidence)
	}
	made, err := db.Do(ctx, o.db, func(tx *db.Tx) (id.Dispute, error) {
		d, err := disputeLocked(tx, did)
		if err != nil {
			return "", err
		}
		full, err := loadOrder(tx, d.Order)
		if err != nil {
			return "", err
		}
		if !full.hasBrand(brand) {
			return "", missing("dispute")
		}
		switch {
		case d.State != DisputeOpen:
			return "", fault.New(fault.Conflict, "The bank has decided: this dispute is %s.", d.State).WithType("wrong_state")
		case d.DueBy.IsZero() || !tx.Now().Before(d.DueBy):
			return "", fault.New(fault.Conflict, "The bank takes no evidence any more.").WithType("too_late")
		}
		var said int64
		if err := tx.Row(`SELECT COUNT(*) FROM dispute_evidence WHERE dispute_id = $1 AND brand_id = $2`, did, brand).Scan(&said); err != nil {
			return "", err
		}
		if said >= MaxSubmissions {
			return "", fault.New(fault.Conflict, "Evidence was handed in %d times: the bank goes by the last.", MaxSubmissions).WithType("too_many")
		}
		at := max(db.Micros(tx.Now()), d.saidAt+1)
		if _, err := tx.Exec(`INSERT INTO dispute_evidence(dispute_id, brand_id, at, says, actor) VALUES ($1,$2,$3,$4,$5)`, did, brand, at, says, who.Actor()); err != nil {
			return "", err
		}
		if _, err := tx.Exec(`UPDATE disputes SET evidence_at = $1, updated_at = $2 WHERE id = $3`, at, db.Micros(tx.Now()), did); err != nil {
			return "", err
		}
		return did, addStep(tx, d.Order, full.partOf(brand).ID, "dispute_answered", "", who.Actor())
	})
	if err != nil {
		return Dispute{}, err
	}
	if err := o.handIn(db.WithoutKey(ctx), made); err != nil {
		o.logger.Warn("evidence waits for the provider", "dispute", made, "error", err) // the sweep hands it in again
	}
	return o.BrandDispute(ctx, who, brand, made)
}

// handLife is how long a hand-in has its turn: longer than any call of a provider lasts.
const handLife = time.Minute

// handIn gives the provider the newest evidence of a dispute, and what is said while it does so. One hands in at a
// time: an earlier word that is still on its way cannot arrive after a later one.
func (o *Orders) handIn(ctx context.Context, did id.Dispute) error {
	to, ok := o.provider.(Disputer)
	if !ok {
		return nil
	}
	for {
		d, text, err := o.handTurn(ctx, did)
		if err != nil || text == "" {
			return err
		}
		err = to.SubmitEvidence(ctx, d.ref, fmt.Sprintf("evidence:%s:%d", did, d.saidAt), text)
		if err != nil && !denied(err) {
			return err // it may arrive yet: nobody hands in before the turn is over
		}
		// What the provider refuses it refuses again: its decision follows.
		if err := o.db.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE disputes SET evidence_sent_at = $1, handing_until = 0 WHERE id = $2 AND evidence_sent_at < $1`, d.saidAt, did)
			return err
		}); err != nil {
			return err
		}
	}
}

// handTurn takes the turn to hand in, and returns what is to be; "" when there is nothing, or it is another's turn.
func (o *Orders) handTurn(ctx context.Context, did id.Dispute) (d Dispute, says string, err error) {
	err = o.db.Write(ctx, func(tx *db.Tx) error {
		says = ""
		n, err := tx.Exec(`UPDATE disputes SET handing_until = $1 WHERE id = $2 AND state = 'open' AND evidence_at > evidence_sent_at AND handing_until <= $3`,
			db.Micros(tx.Now().Add(handLife)), did, db.Micros(tx.Now()))
		if err != nil || n == 0 {
			return err
		}
		if d, err = disputeOf(tx, did); err != nil {
			return err
		}
		full, err := loadOrder(tx, d.Order)
		if err != nil {
			return err
		}
		if d.Evidence, err = evidenceOf(tx, did); err != nil {
			return err
		}
		var text strings.Builder
		for _, e := range d.Evidence {
			if len(d.Evidence) > 1 {
				fmt.Fprintf(&text, "%s:\n", full.partOf(e.Brand).BrandName)
			}
			text.WriteString(e.Says + "\n\n")
		}
		says = strings.TrimSpace(text.String())
		return nil
	})
	return d, says, err
}

// sendEvidence hands in again what the provider has not taken.
func (o *Orders) sendEvidence(ctx context.Context) error {
	list, err := due[id.Dispute](ctx, o, o.clock.Now().Add(-PaymentPatience), `SELECT id FROM disputes WHERE evidence_at > evidence_sent_at AND state = 'open' AND updated_at <= $1 AND handing_until <= $1 ORDER BY id LIMIT $2`)
	for _, did := range list {
		err = errors.Join(err, o.handIn(ctx, did))
	}
	return err
}

// LookForDisputes asks the provider what was opened or decided since, for words that were lost on their way.
func (o *Orders) LookForDisputes(ctx context.Context, since time.Time) error {
	from, ok := o.provider.(Disputer)
	if !ok {
		return nil
	}
	list, err := from.Disputes(ctx, since)
	for _, told := range list {
		if _, e := o.Dispute(ctx, told); e != nil && !fault.Is(e, fault.Conflict) { // a conflict passes, and it is asked again
			err = errors.Join(err, e)
		}
	}
	return err
}

// Disputed is the same for one dispute that the provider has told of: its word is asked for, not believed.
func (o *Orders) Disputed(ctx context.Context, ref string) error {
	from, ok := o.provider.(Disputer)
	if !ok {
		return fault.New(fault.Missing, "This provider knows no disputes.")
	}
	told, err := from.Dispute(ctx, ref)
	if err == nil {
		_, err = o.Dispute(ctx, told)
	}
	return err
}

// evidenceOf reads the last word of each brand.
func evidenceOf(tx *db.Tx, did id.Dispute) ([]Evidence, error) {
	return db.All(tx, func(r *sql.Rows) (e Evidence, err error) {
		var at int64
		err = r.Scan(&e.Brand, &e.Says, &at)
		e.At = db.Time(at)
		return e, err
	}, `SELECT e.brand_id, e.says, e.at FROM dispute_evidence e WHERE e.dispute_id = $1
		AND e.at = (SELECT MAX(x.at) FROM dispute_evidence x WHERE x.dispute_id = e.dispute_id AND x.brand_id = e.brand_id) ORDER BY e.brand_id`, did)
}

func (ord *Order) partOf(brand id.Brand) *Part {
	for i := range ord.Parts {
		if ord.Parts[i].Brand == brand {
			return &ord.Parts[i]
		}
	}
	return nil
}

func (ord *Order) hasBrand(brand id.Brand) bool { return ord.partOf(brand) != nil }
