package web

import (
	"errors"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"mezzo/internal/catalog"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// stall lists what a brand sells, archived things among it.
func (s *Site) stall(v *visit) error {
	cursor := id.Product(v.text("cursor"))
	list, err := s.Catalog.BrandProducts(v.ctx(), v.who, v.brand.ID, catalog.Query{After: cursor, Limit: rowsPage + 1})
	if err != nil {
		return err
	}
	sold, err := s.Orders.UnitsSold(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	page := ProductsBoard{}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = v.brandURL("/products?cursor=" + string(list[rowsPage-1].ID))
	}
	if cursor != "" {
		page.Pager.First = v.brandURL("/products")
	}
	goods, err := v.goods(list, nil)
	if err != nil {
		return err
	}
	for i, p := range list {
		row := ProductRow{ID: string(p.ID), Title: p.Title, Picture: goods[i].Picture, Price: p.Low(), State: string(p.State), Standing: string(p.Standing), Sold: int(sold[p.ID])}
		if row.Price.Currency == "" {
			row.Price = zero(v.brand.Currency)
		}
		if p.Standing != catalog.Visible {
			row.StandingWhy = p.StandingReason
		}
		for _, x := range p.Variants {
			if x.State == catalog.Active {
				row.Variants++
				row.Left += int(x.Available)
			}
		}
		page.Products = append(page.Products, row)
	}
	page.Chrome = v.chrome("Products", Brand, "products")
	return v.show(http.StatusOK, ProductsOfBrand(page))
}

func categoryOptions(chosen string) []Option {
	var list []Option
	for _, c := range catalog.Categories() {
		list = append(list, Option{Value: c.Slug, Label: c.Name})
		for _, child := range c.Children {
			list = append(list, Option{Value: child.Slug, Label: c.Name + ": " + child.Name})
		}
	}
	return choose(list, chosen)
}

// newProduct shows the form of a new product.
func (s *Site) newProduct(v *visit) error {
	f, x := NewProductForm(), NewVariantForm(v.brand.Currency, true)
	f.Category.Options = categoryOptions("")
	return s.showNewProduct(v, http.StatusOK, f, x, nil)
}

func (s *Site) showNewProduct(v *visit, status int, f ProductForm, x VariantForm, notes []Note) error {
	return v.show(status, NewProduct(NewProductPage{Chrome: v.chrome("New product", Brand, "products"), Form: f, Variant: x, Notes: notes}))
}

// typedVariant is a variant as a form holds it; wrong says what could not be read.
func (v *visit) typedVariant(title string) (in catalog.NewVariant, wrong error) {
	in = catalog.NewVariant{SKU: v.text("sku"), Title: v.text(title)}
	var err error
	f := fault.New(fault.Invalid, "Look at the fields below.")
	if in.Price, err = money.Parse(v.text("price"), v.brand.Currency); err != nil {
		f.WithField("body.price", "Write the price in figures, such as %s.", money.Of(1990, v.brand.Currency).Decimal())
	}
	stock, ok := v.number("stock")
	if in.Stock = stock; !ok {
		f.WithField("body.stock", "Write how many you have, in figures.")
	}
	if len(f.Fields) > 0 {
		return in, f
	}
	return in, nil
}

// putUp puts a product up with its first variant and its pictures.
func (s *Site) putUp(v *visit) error {
	in := catalog.NewProduct{Title: v.text("title"), Description: v.text("description"), Category: v.text("category")}
	first, err := v.typedVariant("variant_title")
	if err == nil {
		in.Images, err = v.sentPictures()
	}
	if err == nil {
		in.Variants = []catalog.NewVariant{first}
		_, err = s.Catalog.CreateProduct(v.ctx(), v.who, v.brand.ID, in)
	}
	if a, said := v.amissOf(err); said {
		f, x := NewProductForm(), NewVariantForm(v.brand.Currency, true)
		f.Title.Value, f.Description.Value, f.Category.Value, f.Category.Options = in.Title, in.Description, in.Category, categoryOptions(in.Category)
		x.Title.Value, x.SKU.Value, x.Price.Value, x.Stock.Value = first.Title, first.SKU, v.text("price"), v.text("stock")
		a.mark(&f.Title, &f.Description, &f.Category)
		a.markVariant(&x, "variants.")
		return s.showNewProduct(v, a.status, f, x, a.notes("It was not put up. Choose its pictures again."))
	}
	return v.kept(err, "It is on the stall.", "/products")
}

func (a *amiss) markVariant(x *VariantForm, at string) {
	a.under(&x.Title, at+"title")
	a.under(&x.SKU, at+"sku", "sku")
	a.under(&x.Price, at+"price", "price")
	a.under(&x.Stock, at+"stock", "stock")
}

// sentPictures takes in the pictures of the form.
func (v *visit) sentPictures() ([]id.Image, error) {
	if v.r.MultipartForm == nil {
		return nil, nil
	}
	files := v.r.MultipartForm.File["images"]
	if len(files) > catalog.MaxImages {
		return nil, fault.InvalidField("body.images", "A product has at most %d pictures.", catalog.MaxImages)
	}
	var images []id.Image
	for _, file := range files {
		if file.Size == 0 {
			continue // a field left empty
		}
		image, err := v.sentPicture(file)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

func (v *visit) sentPicture(file *multipart.FileHeader) (id.Image, error) {
	f, err := file.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	image, err := v.site.Media.AddImage(v.ctx(), v.who, f)
	return image.ID, err
}

// editProduct shows a product as its brand changes it.
func (s *Site) editProduct(v *visit) error {
	return s.showEdit(v, http.StatusOK, id.Product(v.r.PathValue("product")), func(*EditProductPage) {})
}

// own returns a product of the brand whose console this is; somebody else's is not there.
func (v *visit) own(product id.Product) (catalog.Product, error) {
	p, err := v.site.Catalog.Product(v.ctx(), v.who, product)
	if err == nil && p.SoldBy.ID != v.brand.ID {
		err = missing()
	}
	return p, err
}

func (s *Site) showEdit(v *visit, status int, product id.Product, change func(*EditProductPage)) error {
	p, err := v.own(product)
	if err != nil {
		return err
	}
	page := EditProductPage{ID: string(p.ID), Form: NewProductForm(), Version: strconv.FormatInt(p.Version, 10), State: string(p.State), Standing: string(p.Standing),
		New: NewVariantForm(v.brand.Currency, false), URL: "/products/" + string(p.ID)}
	page.Form.Title.Value, page.Form.Description.Value = p.Title, p.Description
	page.Form.Category.Value, page.Form.Category.Options = p.Category, categoryOptions(p.Category)
	if p.Standing != catalog.Visible {
		page.Why = p.StandingReason
	}
	found, err := v.pictures(p.Images...)
	if err != nil {
		return err
	}
	for i, image := range p.Images {
		page.Pictures = append(page.Pictures, EditPicture{ID: string(image), Picture: Picture{URL: found[image].SmallURL(), Alt: "Picture " + strconv.Itoa(i+1)}})
	}
	for _, x := range p.Variants {
		if x.State == catalog.Active {
			page.Variants = append(page.Variants, editVariant(x))
		}
	}
	change(&page)
	page.Chrome = v.chrome(p.Title, Brand, "products")
	return v.show(status, EditProduct(page))
}

func editVariant(x catalog.Variant) EditVariant {
	e := EditVariant{ID: string(x.ID), SKU: x.SKU, Version: strconv.FormatInt(x.Version, 10),
		Title:  Field{Name: "title", Label: "Size, colour or kind", Value: x.Title, Max: catalog.MaxVariantTitle, Optional: true, ID: "title-" + string(x.ID)},
		Price:  Field{Name: "price", Label: "Price", Value: x.Price.Decimal(), Currency: x.Price.Currency, ID: "price-" + string(x.ID)},
		OnHand: Field{Name: "on_hand", Label: "How many you have", Kind: "number", Mode: "numeric", Least: "0", ID: "stock-" + string(x.ID)}}
	if x.Stock != nil {
		e.OnHand.Value, e.StockVersion, e.Held = strconv.FormatInt(x.Stock.OnHand, 10), strconv.FormatInt(x.Stock.Version, 10), int(x.Stock.Reserved)
	}
	return e
}

// changed ends a change of a product: the page again with what was wrong, or the product's page.
func (v *visit) changed(product id.Product, err error, says string, mark func(*amiss, *EditProductPage)) error {
	if a, said := v.amissOf(err); said {
		return v.site.showEdit(v, a.status, product, func(p *EditProductPage) {
			if mark != nil {
				mark(&a, p)
			}
			p.Notes = a.notes("Nothing was changed.")
		})
	}
	return v.kept(err, says, "/products/"+string(product))
}

// changeProduct keeps a product's words.
func (s *Site) changeProduct(v *visit) error {
	p, err := v.own(id.Product(v.r.PathValue("product")))
	if err != nil {
		return err
	}
	match, _ := v.number("version")
	title, words, category := v.text("title"), v.text("description"), v.text("category")
	_, err = s.Catalog.UpdateProduct(v.ctx(), v.who, p.ID, match, catalog.ProductChange{Title: &title, Description: &words, Category: &category})
	return v.changed(p.ID, err, "Kept.", func(a *amiss, page *EditProductPage) {
		f := &page.Form
		f.Title.Value, f.Description.Value, f.Category.Value, f.Category.Options = title, words, category, categoryOptions(category)
		a.mark(&f.Title, &f.Description, &f.Category)
	})
}

// changeState takes a product off the stall or puts it up again.
func (s *Site) changeState(v *visit) error {
	p, err := v.own(id.Product(v.r.PathValue("product")))
	if err != nil {
		return err
	}
	match, _ := v.number("version")
	state, says := catalog.Active, "It is on the stall again."
	if v.text("state") == "archived" {
		state, says = catalog.Archived, "It is off the stall. What was ordered stays ordered."
	}
	_, err = s.Catalog.UpdateProduct(v.ctx(), v.who, p.ID, match, catalog.ProductChange{State: &state})
	return v.changed(p.ID, err, says, nil)
}

// addPictures adds pictures behind those there are.
func (s *Site) addPictures(v *visit) error {
	p, err := v.own(id.Product(v.r.PathValue("product")))
	if err != nil {
		return err
	}
	images, err := v.sentPictures()
	if err == nil && len(images) == 0 {
		err = fault.InvalidField("body.images", "Choose a picture first.")
	}
	if err == nil {
		images = append(append([]id.Image{}, p.Images...), images...)
		_, err = s.Catalog.UpdateProduct(v.ctx(), v.who, p.ID, p.Version, catalog.ProductChange{Images: &images})
	}
	return v.changed(p.ID, err, "The pictures are there.", nil)
}

// removePicture takes a picture away.
func (s *Site) removePicture(v *visit) error {
	p, err := v.own(id.Product(v.r.PathValue("product")))
	if err != nil {
		return err
	}
	images := []id.Image{}
	for _, image := range p.Images {
		if string(image) != v.r.PathValue("image") {
			images = append(images, image)
		}
	}
	_, err = s.Catalog.UpdateProduct(v.ctx(), v.who, p.ID, p.Version, catalog.ProductChange{Images: &images})
	return v.changed(p.ID, err, "The picture is gone.", nil)
}

// addVariant adds one SKU to a product.
func (s *Site) addVariant(v *visit) error {
	p, err := v.own(id.Product(v.r.PathValue("product")))
	if err != nil {
		return err
	}
	in, err := v.typedVariant("title")
	if err == nil {
		_, err = s.Catalog.AddVariant(v.ctx(), v.who, p.ID, in)
	}
	return v.changed(p.ID, err, "It can be bought now.", func(a *amiss, page *EditProductPage) {
		x := &page.New
		x.Title.Value, x.SKU.Value, x.Price.Value, x.Stock.Value = in.Title, in.SKU, v.text("price"), v.text("stock")
		a.markVariant(x, "")
	})
}

// changeVariant keeps a variant's title, price and stock: the stock is set only when it was changed,
// and only if nobody sold or counted meanwhile.
func (s *Site) changeVariant(v *visit) error {
	variant := id.Variant(v.r.PathValue("variant"))
	product, before, err := v.variantOf(variant)
	if err != nil {
		return err
	}
	title := v.text("title")
	price, wrongPrice := money.Parse(v.text("price"), v.brand.Currency)
	onHand, ok := v.number("on_hand")
	switch {
	case wrongPrice != nil:
		err = fault.InvalidField("body.price", "Write the price in figures, such as %s.", money.Of(1990, v.brand.Currency).Decimal())
	case !ok:
		err = fault.InvalidField("body.on_hand", "Write how many you have, in figures.")
	default:
		match, _ := v.number("version")
		stock, _ := v.number("stock_version")
		if title != before.Title || price != before.Price {
			_, err = s.Catalog.UpdateVariant(v.ctx(), v.who, variant, match, catalog.VariantChange{Title: &title, Price: &price})
		}
		if err == nil && (before.Stock == nil || onHand != before.Stock.OnHand) {
			_, err = s.Catalog.SetStock(db.WithoutKey(v.ctx()), v.who, variant, stock, onHand)
		}
	}
	return v.changed(product, err, "Kept.", func(a *amiss, page *EditProductPage) {
		for i := range page.Variants {
			if x := &page.Variants[i]; x.ID == string(variant) {
				x.Title.Value, x.Price.Value, x.OnHand.Value = title, v.text("price"), v.text("on_hand")
				a.mark(&x.Title, &x.Price, &x.OnHand)
			}
		}
	})
}

// variantOf finds a variant among the brand's own.
func (v *visit) variantOf(variant id.Variant) (id.Product, catalog.Variant, error) {
	p, err := v.site.Catalog.ProductOfVariant(v.ctx(), v.who, variant)
	if err == nil && p.SoldBy.ID != v.brand.ID {
		err = missing()
	}
	if err != nil {
		return "", catalog.Variant{}, err
	}
	for _, x := range p.Variants {
		if x.ID == variant {
			return p.ID, x, nil
		}
	}
	return "", catalog.Variant{}, errors.New("a variant is not among its product's: " + strings.TrimSpace(string(variant)))
}
