package metric

import (
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"mezzo/internal/id"
)

// Kind is what sort of thing numbers are kept of.
type Kind uint8

// The kinds; their numbers are part of snapshots and rollups and never change. Of the pairs one is a
// creator's share of a product, the other a video's. The sites are what a brand's own site and apps tell
// under its write keys, of the brand and of its products: the brand's own numbers, and nobody else's.
const (
	Video Kind = iota + 1
	Room
	Creator
	Product
	Brand
	Program
	CreatorProduct
	VideoProduct
	BrandSite
	ProductSite
)

var kindNames = [...]string{Video: "video", Room: "room", Creator: "creator", Product: "product", Brand: "brand", Program: "program",
	CreatorProduct: "creator_product", VideoProduct: "video_product", BrandSite: "brand_site", ProductSite: "product_site"}

// String returns the kind's name as the API spells it, "" for none.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// KindNamed returns the kind of the name; ok is false for a name that is none.
func KindNamed(name string) (k Kind, ok bool) {
	for i, n := range kindNames {
		if n != "" && n == name {
			return Kind(i), true
		}
	}
	return 0, false
}

// Entity is one thing that numbers are kept of. Of a pair A is the creator or video and B the product;
// of all others B is zero.
type Entity struct {
	Kind Kind
	A, B uuid.UUID
}

// ErrEntity says that a text names no entity.
var ErrEntity = errors.New("metric: this names nothing that numbers are kept of")

// OfVideo returns the entity of a video; the zero Entity when the id is not one.
func OfVideo(v id.Video) Entity { return of(Video, v) }

// OfRoom returns the entity of a room; the zero Entity when the id is not one.
func OfRoom(r id.Room) Entity { return of(Room, r) }

// OfCreator returns the entity of a creator; the zero Entity when the id is not one.
func OfCreator(c id.Creator) Entity { return of(Creator, c) }

// OfProduct returns the entity of a product; the zero Entity when the id is not one.
func OfProduct(p id.Product) Entity { return of(Product, p) }

// OfBrand returns the entity of a brand; the zero Entity when the id is not one.
func OfBrand(b id.Brand) Entity { return of(Brand, b) }

// OfProgram returns the entity of a program; the zero Entity when the id is not one.
func OfProgram(p id.Program) Entity { return of(Program, p) }

// OfBrandSite returns the entity of a brand's own site; the zero Entity when the id is not one.
func OfBrandSite(b id.Brand) Entity { return of(BrandSite, b) }

// OfProductSite returns the entity of a product on its brand's own site; the zero Entity when the id is not one.
func OfProductSite(p id.Product) Entity { return of(ProductSite, p) }

// OfCreatorProduct returns the entity of what a creator does for a product; the zero Entity when an id is not one.
func OfCreatorProduct(c id.Creator, p id.Product) Entity {
	return pair(CreatorProduct, OfCreator(c), OfProduct(p))
}

// OfVideoProduct returns the entity of what a video does for a product; the zero Entity when an id is not one.
func OfVideoProduct(v id.Video, p id.Product) Entity {
	return pair(VideoProduct, OfVideo(v), OfProduct(p))
}

func of[K id.Kind](kind Kind, public id.ID[K]) Entity {
	u, err := public.UUID()
	if err != nil {
		return Entity{}
	}
	return Entity{Kind: kind, A: u}
}

func pair(kind Kind, a, b Entity) Entity {
	if a.IsZero() || b.IsZero() {
		return Entity{}
	}
	return Entity{Kind: kind, A: a.A, B: b.A}
}

// IsZero reports whether it names nothing.
func (e Entity) IsZero() bool { return e.Kind == 0 }

// String returns the entity as the API spells it: "video:vid_…", "creator_product:crt_…:prd_…".
func (e Entity) String() string {
	switch e.Kind {
	case Video:
		return "video:" + string(id.Video("").From(e.A))
	case Room:
		return "room:" + string(id.Room("").From(e.A))
	case Creator:
		return "creator:" + string(id.Creator("").From(e.A))
	case Product:
		return "product:" + string(id.Product("").From(e.A))
	case Brand:
		return "brand:" + string(id.Brand("").From(e.A))
	case Program:
		return "program:" + string(id.Program("").From(e.A))
	case CreatorProduct:
		return "creator_product:" + string(id.Creator("").From(e.A)) + ":" + string(id.Product("").From(e.B))
	case BrandSite:
		return "brand_site:" + string(id.Brand("").From(e.A))
	case ProductSite:
		return "product_site:" + string(id.Product("").From(e.A))
	case VideoProduct:
		return "video_product:" + string(id.Video("").From(e.A)) + ":" + string(id.Product("").From(e.B))
	}
	return ""
}

// ParseEntity reads what String wrote; the error is ErrEntity.
func ParseEntity(s string) (Entity, error) {
	name, rest, _ := strings.Cut(s, ":")
	kind, _ := KindNamed(name)
	first, second, two := strings.Cut(rest, ":")
	var e Entity
	switch kind {
	case Video:
		e = OfVideo(id.Video(first))
	case Room:
		e = OfRoom(id.Room(first))
	case Creator:
		e = OfCreator(id.Creator(first))
	case Product:
		e = OfProduct(id.Product(first))
	case Brand:
		e = OfBrand(id.Brand(first))
	case Program:
		e = OfProgram(id.Program(first))
	case CreatorProduct:
		e = OfCreatorProduct(id.Creator(first), id.Product(second))
	case BrandSite:
		e = OfBrandSite(id.Brand(first))
	case ProductSite:
		e = OfProductSite(id.Product(first))
	case VideoProduct:
		e = OfVideoProduct(id.Video(first), id.Product(second))
	}
	if e.IsZero() || two != (kind == CreatorProduct || kind == VideoProduct) {
		return Entity{}, fmt.Errorf("%w: %.80q", ErrEntity, s)
	}
	return e, nil
}
