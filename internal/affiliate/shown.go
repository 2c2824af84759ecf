package affiliate

import (
	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
)

// Earner is the creator who would earn, were the product opened from content sold now, and on which terms.
type Earner struct {
	Creator account.Creator
	Terms   Terms
}

// EarnerOf returns who earns by a product opened from what an impression showed; ok is false when
// the content does not show the product, nobody pays for it, or the asker is the creator or of the
// brand: what people buy from themselves earns nothing.
func EarnerOf(tx *db.Tx, who account.Asker, shown id.Impression, product id.Product) (e Earner, ok bool, err error) {
	found, err := subjectsOf(tx, []click{{shown: shown, product: product}})
	s, known := found[subjectKey{shown.Subject, product}]
	if err != nil || !known || who.Member(s.brand) || (who.Account != "" && who.Account == s.account) {
		return e, false, err
	}
	if e.Creator, err = account.CreatorOf(tx, s.creator); err != nil {
		return e, false, err
	}
	e.Terms, ok, err = RateFor(tx, s.creator, product)
	return e, ok, err
}
