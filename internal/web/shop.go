package web

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"mezzo/internal/affiliate"
	"mezzo/internal/catalog"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/feed"
	"mezzo/internal/id"
)

// How many things one page of a list holds.
const (
	goodsPage = 24
	filmsPage = 24
	rowsPage  = 20
)

// search lists what is sold, by words and by category.
func (s *Site) search(v *visit) error {
	q := catalog.Query{Q: v.text("q"), Category: v.text("category"), Brand: id.Brand(v.text("brand")), Limit: goodsPage + 1}
	q.Skip, q.After = fromCursor(v.text("cursor"), q.Q != "")
	page := ListingPage{Query: q.Q, Category: q.Category, Brand: string(q.Brand), Found: -1}
	title := "Search"
	if q.Brand != "" {
		brand, err := s.Accounts.Brand(v.ctx(), q.Brand)
		if err != nil {
			return err
		}
		title = brand.Name
	}
	list, err := s.Catalog.Products(v.ctx(), q)
	if err != nil {
		return err
	}
	if len(list) > goodsPage {
		list = list[:goodsPage]
		next := strconv.Itoa(q.Skip + goodsPage)
		if q.Q == "" {
			next = string(list[goodsPage-1].ID)
		}
		page.Pager.Next = listingURL(q, next)
	} else if q.Q != "" && q.Skip == 0 {
		page.Found = len(list)
	}
	if q.Skip > 0 || q.After != "" {
		page.Pager.First = listingURL(q, "")
	}
	if page.Goods, err = v.goods(list, nil); err != nil {
		return err
	}
	page.Categories = categoryTabs(q)
	page.Chrome = v.chrome(title, Market, "search")
	return v.show(http.StatusOK, Listing(page))
}

// fromCursor reads where a list goes on: after so many for a search, after a product otherwise.
func fromCursor(cursor string, searching bool) (skip int, after id.Product) {
	if !searching {
		return 0, id.Product(cursor)
	}
	n, err := strconv.Atoi(cursor)
	if err != nil || n < 0 || n > 10_000 {
		n = 0
	}
	return n, ""
}

func listingURL(q catalog.Query, cursor string) string {
	values := url.Values{}
	for name, value := range map[string]string{"q": q.Q, "category": q.Category, "brand": string(q.Brand), "cursor": cursor} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return "/search"
	}
	return "/search?" + values.Encode()
}

// categoryTabs shows the branches of the tree, and the twigs of the one that is open.
func categoryTabs(q catalog.Query) []Tab {
	to := func(slug string) string { return listingURL(catalog.Query{Q: q.Q, Brand: q.Brand, Category: slug}, "") }
	tabs := []Tab{{Text: "All", URL: to(""), Here: q.Category == ""}}
	for _, c := range catalog.Categories() {
		tabs = append(tabs, Tab{Text: c.Name, URL: to(c.Slug), Here: c.Slug == q.Category})
		if c.Slug != q.Category && !strings.HasPrefix(q.Category, c.Slug+".") {
			continue
		}
		for _, child := range c.Children {
			tabs = append(tabs, Tab{Text: child.Name, URL: to(child.Slug), Here: child.Slug == q.Category})
		}
	}
	return tabs
}

// goods are products as lists show them; opens gives the address of one and its token, nil means
// the product's own page and none.
func (v *visit) goods(list []catalog.Product, opens func(i int) (address, token string)) ([]Good, error) {
	var images []id.Image
	for _, p := range list {
		if len(p.Images) > 0 {
			images = append(images, p.Images[0])
		}
	}
	found, err := v.pictures(images...)
	if err != nil {
		return nil, err
	}
	goods := make([]Good, len(list))
	for i, p := range list {
		g := Good{ID: string(p.ID), URL: "/products/" + string(p.ID), Title: p.Title, Brand: p.SoldBy.Name, Price: p.Low(), Stars: starsOf(p.Rating), SoldOut: true}
		if opens != nil {
			g.URL, g.Impression = opens(i)
		}
		if len(p.Images) > 0 {
			g.Picture = Picture{URL: found[p.Images[0]].URL()}
		}
		for _, x := range p.Variants {
			if x.State != catalog.Active {
				continue
			}
			g.From = g.From || x.Price != g.Price
			g.SoldOut = g.SoldOut && x.Available <= 0
		}
		goods[i] = g
	}
	return goods, nil
}

func starsOf(r *catalog.Rating) *Stars {
	if r == nil || r.Count == 0 {
		return nil
	}
	return &Stars{Average: strconv.FormatFloat(r.Average, 'f', 1, 64), Count: int(r.Count)}
}

// creator is somebody's public page: their shelf and their videos, each with its token.
func (s *Site) creator(v *visit) error {
	c, err := s.Accounts.CreatorByHandle(v.ctx(), v.r.PathValue("handle"))
	if err != nil {
		return err
	}
	after := id.Video(v.text("cursor"))
	cards, err := s.Content.ByCreator(v.ctx(), v.who, c.ID, after, filmsPage+1)
	if err != nil {
		return err
	}
	page := CreatorPage{Creator: CreatorRef{Handle: c.Handle, Name: c.DisplayName}, Bio: c.Bio, Mine: v.who.Creator == c.ID}
	if c.Avatar != "" {
		found, err := v.pictures(c.Avatar)
		if err != nil {
			return err
		}
		page.Creator.Face = found[c.Avatar].URL()
	}
	if page.Creator.Following, err = s.Content.Follows(v.ctx(), v.who, c.ID); err != nil {
		return err
	}
	if page.Mine && v.who.Standing != "visible" {
		page.Limited = "Your account is " + string(v.who.Standing) + ", so that others are not led here by lists and feeds."
	}
	if len(cards) > filmsPage {
		cards = cards[:filmsPage]
		page.Pager.Next = "/c/" + c.Handle + "?cursor=" + string(cards[filmsPage-1].ID)
	}
	page.Films = films(cards, v.hand(id.SurfaceCreator))
	if after != "" {
		page.Pager.First = "/c/" + c.Handle
	} else {
		items, err := s.Affiliate.CreatorShowcase(v.ctx(), c.ID, "", goodsPage)
		if err != nil {
			return err
		}
		if page.Goods, err = v.shelf(items); err != nil {
			return err
		}
	}
	page.Chrome = v.chrome(c.DisplayName, Market, "")
	return v.show(http.StatusOK, Creator(page))
}

// films are the videos that can be played, as posters.
func films(cards []content.Card, hand *feed.Hand) []FilmRef {
	var films []FilmRef
	for _, c := range cards {
		if c.State != content.Ready {
			continue
		}
		token := hand.Video(c.ID)
		films = append(films, FilmRef{URL: "/v/" + string(c.ID) + "?impression=" + token, Poster: c.Poster, Caption: c.Caption, Impression: token})
	}
	return films
}

// shelf is a creator's showcase, each product opened through its token.
func (v *visit) shelf(items []affiliate.Item) ([]Good, error) {
	list := make([]catalog.Product, len(items))
	for i := range items {
		list[i] = items[i].Product
	}
	hand := v.hand(id.SurfaceShowcase)
	return v.goods(list, func(i int) (string, string) {
		token := hand.Shelf(items[i].ID)
		return openURL(string(list[i].ID), token), token
	})
}

// hand signs the tokens of what this answer shows on a surface.
func (v *visit) hand(surface id.Surface) *feed.Hand {
	return feed.NewHand(v.site.Keys, v.who, surface, v.now)
}

// openURL leads to a product out of content, past the door that notes the click.
func openURL(product, token string) string {
	if token == "" {
		return "/products/" + product
	}
	return "/go?t=" + url.QueryEscape(token) + "&p=" + url.QueryEscape(product)
}

// open notes that a product was opened out of content, as a script would have, and goes there. A
// browser that only looks ahead opens nothing; a click that cannot be noted leads there all the same.
func (s *Site) open(v *visit) error {
	token, product := v.text("t"), id.Product(v.text("p"))
	if !product.Valid() {
		return missing()
	}
	to := "/products/" + string(product)
	if token != "" {
		to += "?impression=" + url.QueryEscape(token)
	}
	ahead := v.r.Header.Get("Sec-Purpose") + v.r.Header.Get("Purpose")
	if token == "" || strings.Contains(ahead, "prefetch") {
		return v.to(to)
	}
	// One id for one token and product: however often the link is followed, it is one click.
	sum := sha256.Sum256([]byte(token + " " + string(product)))
	body, err := json.Marshal(map[string]any{"events": []map[string]any{{
		"id": uuid.NewSHA1(uuid.Nil, sum[:]), "type": "product_click", "at": v.now, "impression": token, "product_id": product}}})
	if err != nil {
		return err
	}
	if _, err := s.Feed.Ingest(v.ctx(), v.who, v.sender(), body); err != nil {
		if k := fault.KindOf(err); k == fault.Internal || k == fault.Unavailable {
			s.log.Warn("a click by link was not noted", "err", err)
		}
	}
	return v.to(to)
}

// sender is where the visit comes from, as events note it.
func (v *visit) sender() feed.Sender {
	addr, _ := netip.ParseAddr(strings.SplitN(v.who.IP, "/", 2)[0])
	return feed.Sender{Address: addr, UserAgent: v.r.UserAgent()}
}

// earner finds out who earns by a product opened with a token, and what the content says of itself.
func (v *visit) earner(token string, p catalog.Product, view *ProductView) error {
	shown, err := v.site.Keys.OpenImpression(v.who.Viewer, token, v.now)
	if token == "" || err != nil {
		return nil // what a token cannot prove is as if it had not been said
	}
	return v.site.DB.Read(v.ctx(), func(tx *db.Tx) error {
		if video := shown.Video(); video != "" {
			cards, err := content.Cards(tx, v.who, []id.Video{video})
			if err != nil {
				return err
			}
			for _, c := range cards {
				view.Discloser, view.Disclosure = c.CreatorName, disclosed(c.Disclosure)
			}
		}
		e, ok, err := affiliate.EarnerOf(tx, v.who, shown, p.ID)
		if err != nil || !ok {
			return err
		}
		price := view.chosen().Price
		price.Minor = e.Terms.Rate.Of(price.Minor)
		view.Earner = &Earner{Name: e.Creator.DisplayName, Amount: price, Bps: int64(e.Terms.Rate)}
		return nil
	})
}

func disclosed(list []content.Disclosure) []string {
	var out []string
	for _, d := range list {
		out = append(out, string(d))
	}
	return out
}
