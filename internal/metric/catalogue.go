package metric

import (
	"slices"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// How much is known at most of what numbers belong to. Beyond, what happens to a product, video or program of
// which nothing is known counts for what the event itself names, and Stats.Unlisted says how often that was told.
const (
	ProductsMost = 1 << 22
	VideosMost   = 1 << 22
	ProgramsMost = 1 << 18
	// GroupsMost is for how many things it is known what belongs to them.
	GroupsMost = 1 << 24
)

// catalogue is what the log told of videos, products and programs: whose numbers an event moves.
type catalogue struct {
	films    *shards[[16]byte, *film]
	brands   *shards[[16]byte, [16]byte] // product → brand
	programs *shards[[16]byte, *program]
	offers   map[[16]byte][][16]byte // product, or brand of all its products → programs, in the order of ids; of programs
	groups   *shards[group, members]
	most     bounds
	unlisted int64 // what was told beyond the bounds
}

// bounds are how much of each is known at most.
type bounds struct{ products, videos, programs, groups int }

// full notes that what is not yet known is not taken in where so many are.
func (c *catalogue) full(known bool, have, most int) bool {
	if known || have < most {
		return false
	}
	c.unlisted++
	return true
}

// film is a video, and the things that watching it moves.
type film struct {
	creator  [16]byte
	products [][16]byte
	brands   [][16]byte // of the products
	duration int64      // in milliseconds

	aims   []*thing // first the video and its creator, who have viewers; nil until asked for
	layout uint32   // of the things when aims was filled
}

// program is the terms that say which products count for it, and when.
type program struct {
	brand    [16]byte
	all      bool
	products [][16]byte
	from, to int64 // microseconds; 0: no such end
}

func newCatalogue(c *cutting) catalogue {
	return catalogue{most: bounds{ProductsMost, VideosMost, ProgramsMost, GroupsMost}, films: byID(c, itemFilm, (*writer).film), brands: byID(c, itemBrand, func(w *writer, brand [16]byte) { w.id(brand) }),
		programs: byID(c, itemProgram, (*writer).program), offers: map[[16]byte][][16]byte{}, groups: newShards(c, group.hash, (*writer).group)}
}

// bytesOf returns what an id holds, zero when it is none.
func bytesOf[K id.Kind](public id.ID[K]) [16]byte {
	if public == "" {
		return [16]byte{}
	}
	u, err := public.UUID()
	if err != nil {
		return [16]byte{}
	}
	return u
}

func (c *catalogue) setProduct(p event.ProductState) {
	product, brand := bytesOf(p.Product), bytesOf(p.Brand)
	if product == ([16]byte{}) || brand == ([16]byte{}) {
		return
	}
	if _, known := c.brands.look(product); c.full(known, c.brands.n, c.most.products) {
		return
	}
	c.brands.set(product, brand)
	c.join(Brand, brand, Product, product)
}

func (c *catalogue) setFilm(v event.VideoState) {
	video := bytesOf(v.Video)
	if video == ([16]byte{}) || c.full(c.films.get(video) != nil, c.films.n, c.most.videos) {
		return
	}
	n := &film{creator: bytesOf(v.Creator), duration: v.DurationMS}
	for i, p := range v.Products {
		product := bytesOf(p)
		if product == ([16]byte{}) || slices.Contains(n.products, product) {
			continue
		}
		var brand [16]byte
		if i < len(v.Brands) {
			brand = bytesOf(v.Brands[i])
		}
		if brand == ([16]byte{}) {
			brand = c.brands.get(product)
		}
		n.products, n.brands = append(n.products, product), append(n.brands, brand)
	}
	c.films.set(video, n)
	c.join(Creator, n.creator, Video, video)
	for i, product := range n.products {
		c.meet(n.creator, product, n.brands[i])
		c.join(Product, product, Video, video)
		c.join(Brand, n.brands[i], Video, video)
	}
}

// meet notes that a creator shows a product.
func (c *catalogue) meet(creator, product, brand [16]byte) {
	c.join(Creator, creator, CreatorProduct, product)
	c.join(Product, product, CreatorProduct, creator)
	c.join(Brand, brand, Creator, creator)
}

func (c *catalogue) setProgram(p event.ProgramState) {
	name := bytesOf(p.Program)
	if name == ([16]byte{}) {
		return
	}
	old := c.programs.get(name)
	if c.full(old != nil, c.programs.n, c.most.programs) {
		return
	}
	if old != nil {
		c.offer(name, old, false)
	}
	n := &program{brand: bytesOf(p.Brand), all: p.AllProducts}
	for _, product := range p.Products {
		n.products = append(n.products, bytesOf(product))
	}
	if !p.StartsAt.IsZero() {
		n.from = p.StartsAt.UnixMicro()
	}
	if !p.EndsAt.IsZero() {
		n.to = p.EndsAt.UnixMicro()
	}
	c.programs.set(name, n)
	c.offer(name, n, true)
	c.join(Brand, n.brand, Program, name)
}

// offer lists the program under what it covers, or takes it off.
func (c *catalogue) offer(name [16]byte, p *program, on bool) {
	covers := p.products
	if p.all {
		covers = [][16]byte{p.brand}
	}
	for _, what := range covers {
		list := c.offers[what]
		at, have := slices.BinarySearchFunc(list, name, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
		switch {
		case on && !have:
			list = slices.Insert(list, at, name)
		case !on && have:
			list = slices.Delete(list, at, at+1)
		}
		if len(list) == 0 {
			delete(c.offers, what)
		} else {
			c.offers[what] = list
		}
	}
}

// covering calls fn with the programs in force at the second that cover the product.
func (c *catalogue) covering(product, brand [16]byte, second uint32, fn func(program [16]byte)) {
	now := int64(second) * 1e6
	for _, what := range [...][16]byte{product, brand} {
		for _, name := range c.offers[what] {
			if p := c.programs.get(name); p.from <= now && (p.to == 0 || now < p.to) {
				fn(name)
			}
		}
	}
}

// covered reports whether the program covered the product at the second.
func (c *catalogue) covered(product, brand [16]byte, second uint32, program [16]byte) (yes bool) {
	c.covering(product, brand, second, func(name [16]byte) { yes = yes || name == program })
	return yes
}
