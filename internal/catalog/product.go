package catalog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Limits of what a product may hold. Text is counted in characters.
const (
	MaxTitle        = 200
	MaxDescription  = 10_000
	MaxImages       = 9
	MaxVariants     = 100
	MaxVariantTitle = 100
	MaxSKU          = 64
	MaxUnits        = 1_000_000_000 // on hand, of one variant
	MaxWeight       = 10_000_000    // grams: ten tonnes
	MaxReason       = 200
)

// State is whether something is offered. Nothing is deleted: orders point at it.
type State string

// The states of products and variants.
const (
	Active   State = "active"
	Archived State = "archived"
)

// Standing is what the operator lets the public see of a product.
type Standing string

// The standings: in every list; in none, but open to who has its address; gone.
const (
	Visible Standing = "visible"
	Limited Standing = "limited"
	Removed Standing = "removed"
)

// Seller is the trader behind a product, as the law and the shopper want to know them.
type Seller struct {
	ID             id.Brand       `json:"id"`
	Name           string         `json:"name"`
	Slug           string         `json:"slug"`
	LegalName      string         `json:"legal_name"`
	Country        string         `json:"country"`
	ContactEmail   string         `json:"contact_email"`
	ContactAddress string         `json:"contact_address"`
	Currency       money.Currency `json:"-"`
}

// Rating is what verified buyers think of a product.
type Rating struct {
	Average float64 `json:"average" doc:"1 to 5"`
	Count   int64   `json:"count"`
}

// Product is one thing a brand sells, in one or more variants.
type Product struct {
	ID             id.Product `json:"id"`
	SoldBy         Seller     `json:"sold_by"`
	Title          string     `json:"title"`
	Description    string     `json:"description"`
	Category       string     `json:"category"`
	Images         []id.Image `json:"images"`
	State          State      `json:"state"`
	Standing       Standing   `json:"standing"`
	StandingReason string     `json:"standing_reason,omitempty"` // for the brand and the operator
	Rating         *Rating    `json:"rating"`
	Variants       []Variant  `json:"variants"`
	Version        int64      `json:"version"`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

// Variant is one SKU of a product.
type Variant struct {
	ID          id.Variant   `json:"id"`
	Product     id.Product   `json:"product_id"`
	SKU         string       `json:"sku"`
	Title       string       `json:"title"`
	Price       money.Amount `json:"price"`
	Available   int64        `json:"available" doc:"Units that can be bought now"`
	GTIN        string       `json:"gtin,omitempty"`
	WeightGrams int64        `json:"weight_grams,omitempty"`
	State       State        `json:"state"`
	Version     int64        `json:"version"`
	OnHand      *int64       `json:"stock,omitempty" doc:"Units on hand, for the brand only"`
	Stock       *Level       `json:"level,omitempty" doc:"The same with what is reserved of it, for the brand only"`
}

// Level is the stock of one variant, for its brand.
type Level struct {
	Variant  id.Variant `json:"variant_id"`
	OnHand   int64      `json:"on_hand"`
	Reserved int64      `json:"reserved" doc:"Held by checkouts that are not paid yet"`
	Version  int64      `json:"version" doc:"Changes whenever on_hand does; the ETag of the stock"`
}

// Low returns the lowest price among the product's active variants; zero without any.
func (p Product) Low() money.Amount {
	low := money.Of(0, p.SoldBy.Currency)
	for _, v := range p.Variants {
		if v.State == Active && (low.IsZero() || v.Price.Minor < low.Minor) {
			low = v.Price
		}
	}
	return low
}

// NewProduct is what a brand says of a product it puts up.
type NewProduct struct {
	Title       string
	Description string
	Category    string
	Images      []id.Image
	Variants    []NewVariant
}

// NewVariant is what a brand says of one SKU.
type NewVariant struct {
	SKU         string
	Title       string
	Price       money.Amount
	Stock       int64
	GTIN        string
	WeightGrams int64
}

// ProductChange names what to change of a product; nil leaves it as it is.
type ProductChange struct {
	Title       *string
	Description *string
	Category    *string
	Images      *[]id.Image
	State       *State
}

// VariantChange names what to change of a variant; nil leaves it as it is.
type VariantChange struct {
	SKU         *string
	Title       *string
	Price       *money.Amount
	GTIN        *string
	WeightGrams *int64
	State       *State
}

// check cleans a new product and says everything that is wrong with it.
func (in NewProduct) check(currency money.Currency) (NewProduct, error) {
	var c checks
	in.Title = c.line("body.title", in.Title, 1, MaxTitle)
	in.Description = c.text("body.description", in.Description, 0, MaxDescription)
	in.Category = c.category(in.Category)
	c.images(in.Images)
	c.add(len(in.Variants) >= 1 && len(in.Variants) <= MaxVariants, "body.variants", "A product has "+between(1, MaxVariants)+" variants.")
	if len(in.Variants) > MaxVariants {
		return in, c.fault()
	}
	seen := map[string]bool{}
	in.Variants = append([]NewVariant(nil), in.Variants...)
	for i := range in.Variants {
		at := fmt.Sprintf("body.variants[%d]", i)
		in.Variants[i] = in.Variants[i].check(&c, at, currency)
		c.add(!seen[in.Variants[i].SKU], at+".sku", "Two variants cannot share one SKU.")
		seen[in.Variants[i].SKU] = true
	}
	return in, c.fault()
}

func (in NewVariant) check(c *checks, at string, currency money.Currency) NewVariant {
	in.SKU = c.line(at+".sku", in.SKU, 1, MaxSKU)
	in.Title = c.line(at+".title", in.Title, 0, MaxVariantTitle)
	c.price(at+".price", in.Price, currency)
	c.units(at+".stock", in.Stock)
	c.gtin(at+".gtin", in.GTIN)
	c.weight(at+".weight_grams", in.WeightGrams)
	return in
}

// category returns the slug that the text means.
func (c *checks) category(text string) string {
	slug, ok := CategoryNamed(text)
	c.add(ok, "body.category", "There is no such category. GET /categories lists them: home, beauty, fashion and others.")
	if known := besides(slug); len(known) > 0 {
		c.add(false, "body.category", "There is no category "+slug+". Known here: "+strings.Join(known, ", ")+".")
	}
	return slug
}

func (c *checks) images(images []id.Image) {
	c.add(len(images) <= MaxImages, "body.images", "A product has at most "+strconv.Itoa(MaxImages)+" pictures.")
	seen := map[id.Image]bool{}
	for i, image := range images {
		at := fmt.Sprintf("body.images[%d]", i)
		c.add(image.Valid(), at, "This is not the id of a picture. Upload it with POST /images first.")
		c.add(!seen[image], at, "This picture is in the list twice.")
		seen[image] = true
	}
}

func (c *checks) price(at string, price money.Amount, currency money.Currency) {
	c.add(price.Currency == currency, at+".currency", "This brand sells in "+string(currency)+".")
	c.add(price.Minor >= 1 && price.Minor <= money.Max, at+".amount", "A price is between 1 and "+strconv.FormatInt(money.Max, 10)+" minor units.")
}

func (c *checks) units(at string, n int64) {
	c.add(n >= 0 && n <= MaxUnits, at, "Stock is between 0 and "+strconv.Itoa(MaxUnits)+" units.")
}

func (c *checks) gtin(at, s string) {
	c.add(s == "" || IsGTIN(s), at, "A GTIN has 8, 12, 13 or 14 digits, the last of which checks the others.")
}

func (c *checks) weight(at string, grams int64) {
	c.add(grams >= 0 && grams <= MaxWeight, at, "A weight is between 0 and "+strconv.Itoa(MaxWeight)+" grams.")
}

func (c *checks) state(at string, s State) {
	c.add(s == Active || s == Archived, at, "The state is active or archived.")
}

func between(min, max int) string { return strconv.Itoa(min) + " to " + strconv.Itoa(max) }
