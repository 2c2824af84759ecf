package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/catalog"
	"mezzo/internal/id"
	"mezzo/internal/media"
	"mezzo/internal/money"
)

// registerCatalog adds the routes of API.md §3.
func (a *API) registerCatalog() {
	if a.deps.Catalog == nil {
		return
	}
	read, write := account.CatalogRead, account.CatalogWrite
	register(a, Route{Method: http.MethodGet, Path: "/categories", Who: Public, Tag: "catalogue", Summary: "The tree of categories"}, a.categories)
	register(a, Route{Method: http.MethodGet, Path: "/products", Who: Public, Tag: "catalogue", Summary: "Search what is for sale; without q, the newest first"}, a.products)
	register(a, Route{Method: http.MethodGet, Path: "/products/{id}", Who: Public, Tag: "catalogue", Summary: "A product, who sells it, and what is left of it"}, a.product)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/products", Who: Brand, Scope: read, Tag: "catalogue", Summary: "A brand's own products with their stock, archived ones too"}, a.brandProducts)
	register(a, Route{Method: http.MethodPost, Path: "/brands/{id}/products", Who: Brand, Scope: write, Tag: "catalogue", Status: 201, Summary: "Put up a product with its variants and their stock"}, a.createProduct)
	register(a, Route{Method: http.MethodPatch, Path: "/products/{id}", Who: Brand, Scope: write, Tag: "catalogue", Summary: "Change a product, or archive it"}, a.updateProduct)
	register(a, Route{Method: http.MethodPost, Path: "/products/{id}/variants", Who: Brand, Scope: write, Tag: "catalogue", Status: 201, Summary: "Add a variant to a product"}, a.addVariant)
	register(a, Route{Method: http.MethodPatch, Path: "/variants/{id}", Who: Brand, Scope: write, Tag: "catalogue", Summary: "Change a variant, its price, or archive it"}, a.updateVariant)
	register(a, Route{Method: http.MethodGet, Path: "/variants/{id}/stock", Who: Brand, Scope: read, Tag: "catalogue", Summary: "What is on hand and reserved of a variant"}, a.stock)
	register(a, Route{Method: http.MethodPut, Path: "/variants/{id}/stock", Who: Brand, Scope: write, Tag: "catalogue", Summary: "Say how many units a count has found; needs If-Match"}, a.setStock)
	register(a, Route{Method: http.MethodPost, Path: "/variants/{id}/stock/adjustments", Who: Brand, Scope: write, Tag: "catalogue", Status: 201, Idempotency: Required,
		Summary: "Add units or take some away, for systems that sync"}, a.adjustStock)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/shipping_options", Who: Public, Tag: "catalogue", Summary: "How a brand ships"}, a.shippingOptions)
	register(a, Route{Method: http.MethodGet, Path: "/brands/{id}/shipping_options/{code}", Who: Public, Tag: "catalogue", Summary: "One way a brand ships"}, a.shippingOption)
	register(a, Route{Method: http.MethodPut, Path: "/brands/{id}/shipping_options/{code}", Who: Brand, Scope: write, Tag: "catalogue", Summary: "Make or replace a way to ship"}, a.putShippingOption)
	register(a, Route{Method: http.MethodDelete, Path: "/brands/{id}/shipping_options/{code}", Who: Brand, Scope: write, Tag: "catalogue", Summary: "Take a way to ship away"}, a.deleteShippingOption)
}

type productView struct {
	ID             id.Product        `json:"id"`
	SoldBy         catalog.Seller    `json:"sold_by" doc:"The trader the buyer contracts with"`
	Title          string            `json:"title"`
	Description    string            `json:"description"`
	Category       string            `json:"category"`
	Images         []imageView       `json:"images" nullable:"false"`
	State          catalog.State     `json:"state" enum:"active,archived"`
	Standing       catalog.Standing  `json:"standing" enum:"visible,limited,removed"`
	StandingReason string            `json:"standing_reason,omitempty" doc:"For the brand and the operator"`
	Rating         *catalog.Rating   `json:"rating" doc:"Null until verified buyers have reviewed it"`
	Variants       []catalog.Variant `json:"variants" nullable:"false"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
}

// viewProducts makes the views of products, with their pictures: one query for all.
func (a *API) viewProducts(ctx context.Context, products []catalog.Product) ([]productView, error) {
	var ids []id.Image
	for _, p := range products {
		ids = append(ids, p.Images...)
	}
	var pictures map[id.Image]media.Image
	if a.deps.Media != nil {
		var err error
		if pictures, err = a.deps.Media.Pictures(ctx, ids...); err != nil {
			return nil, err
		}
	}
	views := make([]productView, len(products))
	for i, p := range products {
		views[i] = productView{ID: p.ID, SoldBy: p.SoldBy, Title: p.Title, Description: p.Description, Category: p.Category, Images: []imageView{}, State: p.State,
			Standing: p.Standing, StandingReason: p.StandingReason, Rating: p.Rating, Variants: p.Variants, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt}
		for _, image := range p.Images {
			if picture, ok := pictures[image]; ok {
				views[i].Images = append(views[i].Images, viewImage(picture))
			}
		}
	}
	return views, nil
}

func (a *API) viewProduct(ctx context.Context, p catalog.Product, err error) (*Tagged[productView], error) {
	if err != nil {
		return nil, err
	}
	views, err := a.viewProducts(ctx, []catalog.Product{p})
	if err != nil {
		return nil, err
	}
	return tagged(p.Version, views[0]), nil
}

func (a *API) categories(context.Context, *None) (*PageOutput[catalog.Category], error) {
	return whole(catalog.Categories()), nil
}

// ProductsInput narrows a list of products.
type ProductsInput struct {
	List
	Q        string   `query:"q" maxLength:"800" doc:"Words that must all be found, the last as the beginning of one; at most 200 characters"`
	Category string   `query:"category" maxLength:"60"`
	Brand    id.Brand `query:"brand" maxLength:"40"`
}

func (a *API) products(ctx context.Context, in *ProductsInput) (*PageOutput[productView], error) {
	return a.listProducts(ctx, in, a.deps.Catalog.Products)
}

func (a *API) brandProducts(ctx context.Context, in *struct {
	ProductsInput
	ID id.Brand `path:"id"`
}) (*PageOutput[productView], error) {
	return a.listProducts(ctx, &in.ProductsInput, func(ctx context.Context, q catalog.Query) ([]catalog.Product, error) {
		return a.deps.Catalog.BrandProducts(ctx, asker(ctx), in.ID, q)
	})
}

// listProducts pages by the last product's id, or through a search by how many came before.
func (a *API) listProducts(ctx context.Context, in *ProductsInput, list func(context.Context, catalog.Query) ([]catalog.Product, error)) (*PageOutput[productView], error) {
	q := catalog.Query{Q: in.Q, Category: in.Category, Brand: in.Brand, Limit: in.Limit + 1}
	searching := strings.TrimSpace(in.Q) != ""
	parts, err := in.parts(1)
	if err != nil {
		return nil, err
	}
	if searching && parts[0] != "" {
		if q.Skip, err = strconv.Atoi(parts[0]); err != nil || q.Skip < 0 {
			return nil, badCursor()
		}
	}
	if !searching {
		if q.After, err = after[id.Product](in.List); err != nil {
			return nil, err
		}
	}
	found, err := list(ctx, q)
	if err != nil {
		return nil, err
	}
	views, err := a.viewProducts(ctx, found)
	if err != nil {
		return nil, err
	}
	return page(views, in.Limit, func(v productView) string {
		if searching {
			return strconv.Itoa(q.Skip + in.Limit)
		}
		return string(v.ID)
	}), nil
}

// ProductInput names a product.
type ProductInput struct {
	ID id.Product `path:"id"`
}

func (a *API) product(ctx context.Context, in *ProductInput) (*Tagged[productView], error) {
	p, err := a.deps.Catalog.Product(ctx, asker(ctx), in.ID)
	return a.viewProduct(ctx, p, err)
}

type newVariant struct {
	SKU         string       `json:"sku" maxLength:"256" doc:"At most 64 characters, one of its kind within the brand"`
	Title       string       `json:"title,omitempty" maxLength:"400" doc:"At most 100 characters; empty for a product of one variant"`
	Price       money.Amount `json:"price"`
	Stock       int64        `json:"stock" minimum:"0" maximum:"1000000000"`
	GTIN        string       `json:"gtin,omitempty" maxLength:"14"`
	WeightGrams int64        `json:"weight_grams,omitempty" minimum:"0" maximum:"10000000"`
}

func (v newVariant) use() catalog.NewVariant {
	return catalog.NewVariant{SKU: v.SKU, Title: v.Title, Price: v.Price, Stock: v.Stock, GTIN: v.GTIN, WeightGrams: v.WeightGrams}
}

type createProductInput struct {
	ID   id.Brand `path:"id"`
	Body struct {
		Title       string       `json:"title" maxLength:"800" doc:"At most 200 characters"`
		Description string       `json:"description,omitempty" maxLength:"40000" doc:"At most 10,000 characters"`
		Category    string       `json:"category" maxLength:"60" example:"home.kitchen" doc:"A slug of GET /categories"`
		Images      []id.Image   `json:"images,omitempty" nullable:"false" maxItems:"9"`
		Variants    []newVariant `json:"variants" nullable:"false" minItems:"1" maxItems:"100"`
	}
}

func (a *API) createProduct(ctx context.Context, in *createProductInput) (*Tagged[productView], error) {
	n := catalog.NewProduct{Title: in.Body.Title, Description: in.Body.Description, Category: in.Body.Category, Images: in.Body.Images}
	for _, v := range in.Body.Variants {
		n.Variants = append(n.Variants, v.use())
	}
	p, err := a.deps.Catalog.CreateProduct(ctx, asker(ctx), in.ID, n)
	return a.viewProduct(ctx, p, err)
}

type updateProductInput struct {
	ID id.Product `path:"id"`
	Match
	Body struct {
		Title       *string        `json:"title,omitempty" maxLength:"800"`
		Description *string        `json:"description,omitempty" maxLength:"40000"`
		Category    *string        `json:"category,omitempty" maxLength:"60"`
		Images      *[]id.Image    `json:"images,omitempty" maxItems:"9"`
		State       *catalog.State `json:"state,omitempty" enum:"active,archived"`
	}
}

func (a *API) updateProduct(ctx context.Context, in *updateProductInput) (*Tagged[productView], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	p, err := a.deps.Catalog.UpdateProduct(ctx, asker(ctx), in.ID, match, catalog.ProductChange{
		Title: in.Body.Title, Description: in.Body.Description, Category: in.Body.Category, Images: in.Body.Images, State: in.Body.State})
	return a.viewProduct(ctx, p, err)
}

func viewVariant(v catalog.Variant, err error) (*Tagged[catalog.Variant], error) {
	if err != nil {
		return nil, err
	}
	return tagged(v.Version, v), nil
}

func (a *API) addVariant(ctx context.Context, in *struct {
	ProductInput
	Body newVariant
}) (*Tagged[catalog.Variant], error) {
	return viewVariant(a.deps.Catalog.AddVariant(ctx, asker(ctx), in.ID, in.Body.use()))
}

type updateVariantInput struct {
	ID id.Variant `path:"id"`
	Match
	Body struct {
		SKU         *string        `json:"sku,omitempty" maxLength:"256"`
		Title       *string        `json:"title,omitempty" maxLength:"400"`
		Price       *money.Amount  `json:"price,omitempty"`
		GTIN        *string        `json:"gtin,omitempty" maxLength:"14"`
		WeightGrams *int64         `json:"weight_grams,omitempty" minimum:"0" maximum:"10000000"`
		State       *catalog.State `json:"state,omitempty" enum:"active,archived"`
	}
}

func (a *API) updateVariant(ctx context.Context, in *updateVariantInput) (*Tagged[catalog.Variant], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	return viewVariant(a.deps.Catalog.UpdateVariant(ctx, asker(ctx), in.ID, match, catalog.VariantChange{
		SKU: in.Body.SKU, Title: in.Body.Title, Price: in.Body.Price, GTIN: in.Body.GTIN, WeightGrams: in.Body.WeightGrams, State: in.Body.State}))
}

// VariantInput names a variant.
type VariantInput struct {
	ID id.Variant `path:"id"`
}

func viewStock(l catalog.Level, err error) (*Tagged[catalog.Level], error) {
	if err != nil {
		return nil, err
	}
	return tagged(l.Version, l), nil
}

func (a *API) stock(ctx context.Context, in *VariantInput) (*Tagged[catalog.Level], error) {
	return viewStock(a.deps.Catalog.Stock(ctx, asker(ctx), in.ID))
}

func (a *API) setStock(ctx context.Context, in *struct {
	VariantInput
	Match
	Body struct {
		OnHand int64 `json:"on_hand" minimum:"0" maximum:"1000000000"`
	}
}) (*Tagged[catalog.Level], error) {
	match, err := in.required()
	if err != nil {
		return nil, err
	}
	return viewStock(a.deps.Catalog.SetStock(ctx, asker(ctx), in.ID, match, in.Body.OnHand))
}

func (a *API) adjustStock(ctx context.Context, in *struct {
	VariantInput
	Body struct {
		Delta  int64  `json:"delta" minimum:"-1000000000" maximum:"1000000000"`
		Reason string `json:"reason" maxLength:"800"`
	}
}) (*Tagged[catalog.Level], error) {
	return viewStock(a.deps.Catalog.AdjustStock(ctx, asker(ctx), in.ID, in.Body.Delta, in.Body.Reason))
}

func (a *API) shippingOptions(ctx context.Context, in *brandInput) (*PageOutput[catalog.ShippingOption], error) {
	list, err := a.deps.Catalog.ShippingOptions(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return whole(list), nil
}

// OptionInput names a way to ship.
type OptionInput struct {
	ID   id.Brand `path:"id"`
	Code string   `path:"code" maxLength:"32"`
}

func (a *API) shippingOption(ctx context.Context, in *OptionInput) (*Tagged[catalog.ShippingOption], error) {
	return viewOption(a.deps.Catalog.ShippingOption(ctx, in.ID, in.Code))
}

func viewOption(o catalog.ShippingOption, err error) (*Tagged[catalog.ShippingOption], error) {
	if err != nil {
		return nil, err
	}
	return tagged(o.Version, o), nil
}

func (a *API) putShippingOption(ctx context.Context, in *struct {
	OptionInput
	Match
	Body struct {
		Name      string        `json:"name" maxLength:"400"`
		Price     money.Amount  `json:"price"`
		FreeOver  *money.Amount `json:"free_over,omitempty" doc:"Goods of the brand from which it costs nothing"`
		Countries []string      `json:"countries,omitempty" nullable:"false" maxItems:"250" doc:"ISO 3166 codes; empty means everywhere"`
		DaysMin   int64         `json:"days_min" minimum:"0" maximum:"365"`
		DaysMax   int64         `json:"days_max" minimum:"0" maximum:"365"`
		Handling  *int64        `json:"handling_days,omitempty" minimum:"0" maximum:"30" doc:"Days from the payment until it is handed over; 3 where unsaid"`
		Position  int64         `json:"position,omitempty" minimum:"0" maximum:"1000"`
	}
}) (*Tagged[catalog.ShippingOption], error) {
	match, err := in.version()
	if err != nil {
		return nil, err
	}
	b := in.Body
	return viewOption(a.deps.Catalog.PutShippingOption(ctx, asker(ctx), in.ID, in.Code, match, catalog.NewShippingOption{Name: b.Name, Price: b.Price, FreeOver: b.FreeOver,
		Countries: b.Countries, DaysMin: b.DaysMin, DaysMax: b.DaysMax, Handling: b.Handling, Position: b.Position}))
}

func (a *API) deleteShippingOption(ctx context.Context, in *OptionInput) (*None, error) {
	return nil, a.deps.Catalog.DeleteShippingOption(ctx, asker(ctx), in.ID, in.Code)
}
