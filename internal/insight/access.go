package insight

import (
	"context"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/metric"
)

// allow returns nil when the asker may read the numbers of every entity: operators all; a creator their
// own, their videos', their rooms' and their pairs'; members and tokens of a brand the brand's, its
// products', its programs' and the pairs of its products, and what its own site told. A brand reads nothing of a creator or video as
// a whole: what they do for others is not its business. Missing otherwise, and for what does not exist.
func (i *Insight) allow(ctx context.Context, who account.Asker, entities ...metric.Entity) error {
	if who.Account == "" && who.TokenBrand == "" {
		return fault.New(fault.Unauthorized, "Sign in first.")
	}
	if err := who.May(account.MetricsRead); err != nil {
		return err
	}
	return i.d.Read(ctx, func(tx *db.Tx) error {
		for _, e := range entities {
			if err := allowed(tx, who, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func allowed(tx *db.Tx, who account.Asker, e metric.Entity) error {
	o, err := ownersOf(tx, e)
	if err != nil {
		return err
	}
	switch {
	case !o.known:
	case who.Operator,
		o.creator != "" && o.creator == who.Creator,
		o.brand != "" && who.Member(o.brand):
		return nil
	}
	return missing()
}

// owners are whose numbers an entity's are; of a pair both.
type owners struct {
	known   bool
	creator id.Creator
	brand   id.Brand
}

// ownersOf finds whose an entity is.
func ownersOf(tx *db.Tx, e metric.Entity) (o owners, err error) {
	var creator, brand string
	switch e.Kind {
	case metric.Video:
		creator, err = one(tx, `SELECT creator_id FROM videos WHERE id = $1`, string(id.Video("").From(e.A)))
	case metric.Creator:
		creator, err = one(tx, `SELECT id FROM creators WHERE id = $1`, string(id.Creator("").From(e.A)))
	case metric.Product, metric.ProductSite:
		brand, err = one(tx, brandOfProduct, string(id.Product("").From(e.A)))
	case metric.Brand, metric.BrandSite:
		brand, err = one(tx, `SELECT id FROM brands WHERE id = $1`, string(id.Brand("").From(e.A)))
	case metric.Program:
		brand, err = one(tx, `SELECT brand_id FROM programs WHERE id = $1`, string(id.Program("").From(e.A)))
	case metric.CreatorProduct, metric.VideoProduct:
		whole := metric.Entity{Kind: metric.Creator, A: e.A}
		if e.Kind == metric.VideoProduct {
			whole.Kind = metric.Video
		}
		if o, err = ownersOf(tx, whole); err != nil || !o.known {
			return owners{}, err
		}
		creator = string(o.creator)
		if brand, err = one(tx, brandOfProduct, string(id.Product("").From(e.B))); brand == "" {
			return owners{}, err
		}
	}
	return owners{known: creator != "" || brand != "", creator: id.Creator(creator), brand: id.Brand(brand)}, err
}
