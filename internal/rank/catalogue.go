package rank

import (
	"math"
	"slices"
	"strings"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// told takes in a fact of the business.
func (f *Fold) told(fact *event.Fact) {
	switch fact.Topic {
	case event.TopicVideoReady:
		take(fact, func(b event.VideoReady) { f.video(b.VideoState) })
	case event.TopicVideoUpdated:
		take(fact, func(b event.VideoUpdated) { f.video(b.VideoState) })
	case event.TopicVideoDeleted:
		take(fact, func(b event.VideoDeleted) { f.turn(itemID(b.Video), stateReady, false) })
	case "video.standing":
		take(fact, func(b event.StandingChanged) {
			f.turn(itemID(id.Video(b.Subject)), stateLimited, b.Standing != "visible")
		})
	case event.TopicProductCreated:
		take(fact, func(b event.ProductCreated) { f.product(b.ProductState) })
	case event.TopicProductUpdated:
		take(fact, func(b event.ProductUpdated) { f.product(b.ProductState) })
	case "product.standing":
		take(fact, func(b event.StandingChanged) { f.productStanding(id.Product(b.Subject), b.Standing) })
	case event.TopicPolicyChanged:
		take(fact, f.policy)
	case event.TopicPolicySplit:
		take(fact, f.split)
	default:
		f.toldOfPeople(fact)
	}
}

// toldOfPeople takes in what viewers are to each other and to creators, and what they bought.
func (f *Fold) toldOfPeople(fact *event.Fact) {
	switch fact.Topic {
	case event.TopicCreatorFollowed:
		take(fact, func(b event.CreatorFollowed) { f.follow(b.Viewer, b.Creator, true) })
	case event.TopicCreatorUnfollowed:
		take(fact, func(b event.CreatorUnfollowed) { f.follow(b.Viewer, b.Creator, false) })
	case event.TopicViewerJoined:
		take(fact, f.joined)
	case event.TopicViewerErased:
		take(fact, f.erased)
	case event.TopicViewerReset:
		take(fact, f.reset)
	case event.TopicOrderPaid:
		take(fact, f.paid)
	case event.TopicOrderCancelled:
		take(fact, f.cancelled)
	case event.TopicOrderRefunded:
		take(fact, func(b event.OrderRefunded) { f.returned(b.Viewer, b.Whole()) })
	case event.TopicDisputeLost:
		take(fact, f.lost)
	}
}

// take hands a fact's body on; one that cannot be read, which its writer never makes, says nothing.
func take[B event.Body](fact *event.Fact, with func(B)) {
	if b, err := event.Read[B](*fact); err == nil {
		with(b)
	}
}

func bare[K id.Kind](public id.ID[K]) [16]byte {
	u, err := public.UUID()
	if err != nil {
		return [16]byte{}
	}
	return u
}

func itemID(v id.Video) [16]byte { return bare(v) }

// categoryNumber returns the number of a category by its slug.
func (f *Fold) categoryNumber(slug string) uint16 {
	n, known := f.categoryOf[slug]
	if known {
		return n
	}
	if len(f.categories) > math.MaxUint16-1 {
		return 0
	}
	top, _, nested := strings.Cut(slug, ".")
	c := category{name: slug}
	n = uint16(len(f.categories))
	c.top = n
	c.forget()
	f.categories = append(f.categories, c)
	f.categoryOf[slug] = n
	if nested {
		parent := f.categoryNumber(top)
		f.categories[n].top = parent
	}
	return n
}

func (f *Fold) creatorNumber(u [16]byte) uint32 {
	n, known := f.creatorOf[u]
	if !known {
		var c *creator
		n, c = f.creators.add()
		c.id = u
		f.creatorOf[u] = n
	}
	return n
}

func (f *Fold) brandNumber(u [16]byte) uint32 {
	n, known := f.brandOf[u]
	if !known {
		n = uint32(len(f.brands))
		f.brands = append(f.brands, u)
		f.brandOf[u] = n
	}
	return n
}

func (f *Fold) productNumber(u [16]byte) uint32 {
	n, known := f.productOf[u]
	if !known {
		var p *product
		n, p = f.products.add()
		p.id, p.off = u, 1 // until its own fact says that it can be bought
		f.productOf[u] = n
		f.showing = append(f.showing, nil)
	}
	return n
}

// video takes in what a video is.
func (f *Fold) video(s event.VideoState) {
	u := bare(s.Video)
	if u == ([16]byte{}) {
		return
	}
	i, known := f.itemOf[u]
	if !known {
		var it *item
		i, it = f.items.add()
		f.itemOf[u] = i
		it.id, it.stage = u, 1
		it.facts.Category = f.categoryNumber(s.Category)
		it.taste = newVector(idSeed(u), &f.categories[it.facts.Category].centre)
		it.facts.Creator = f.creatorNumber(bare(s.Creator))
		c := f.creators.at(it.facts.Creator)
		c.newest[c.newestAt%uint32(len(c.newest))] = i + 1
		c.newestAt++
	}
	it := f.items.at(i)
	f.leave(i)
	for _, p := range it.products {
		if p != 0 {
			f.showing[p-1] = without(f.showing[p-1], i)
		}
	}
	it.facts.Category, it.facts.Seconds, it.facts.Created = f.categoryNumber(s.Category), float32(s.DurationMS)/1000, s.CreatedAt.Unix()
	it.facts.Top = f.categories[it.facts.Category].top
	it.products = [6]uint32{}
	for k, p := range s.Products {
		if k < len(it.products) {
			n := f.productNumber(bare(p))
			it.products[k] = n + 1
			f.showing[n] = within(f.showing[n], i)
		}
	}
	it.state |= stateReady
	f.stock(i)
	f.assign(i)
}

// without returns a list without one of its numbers, in the same order.
func without(list []uint32, n uint32) []uint32 {
	kept := list[:0]
	for _, x := range list {
		if x != n {
			kept = append(kept, x)
		}
	}
	return kept
}

// within returns a list in order with one more number in it.
func within(list []uint32, n uint32) []uint32 {
	at, there := slices.BinarySearch(list, n)
	if there {
		return list
	}
	return slices.Insert(list, at, n)
}

// turn sets a bit of a video's state and puts it where it belongs.
func (f *Fold) turn(u [16]byte, bit uint8, on bool) {
	i, ok := f.itemOf[u]
	if !ok {
		return
	}
	it := f.items.at(i)
	f.leave(i)
	it.state &^= bit
	if on {
		it.state |= bit
	}
	f.pool(i)
}

// stock finds out whether what a video shows can be bought, and at which price.
func (f *Fold) stock(i uint32) {
	it := f.items.at(i)
	f.leave(i)
	shows, sells := false, false
	it.facts.Product, it.facts.Brand, it.facts.Price = 0, 0, 0
	for _, n := range it.products {
		if n == 0 {
			continue
		}
		shows = true
		if p := f.products.at(n - 1); p.off == 0 && !sells {
			sells = true
			it.facts.Product, it.facts.Brand, it.facts.Price = n, p.brand+1, p.price
		}
	}
	it.state &^= stateSold
	if shows && !sells {
		it.state |= stateSold
	}
	f.pool(i)
}

// product takes in what a product is.
func (f *Fold) product(s event.ProductState) {
	n := f.productNumber(bare(s.Product))
	p := f.products.at(n)
	p.brand, p.category, p.price = f.brandNumber(bare(s.Brand)), f.categoryNumber(s.Category), float32(s.PriceFrom.Minor)
	p.off &^= 1
	if !s.Available || !s.Active {
		p.off |= 1
	}
	f.restock(n)
}

func (f *Fold) productStanding(product id.Product, standing string) {
	n := f.productNumber(bare(product))
	p := f.products.at(n)
	p.off &^= 2
	if standing != "visible" {
		p.off |= 2
	}
	f.restock(n)
}

func (f *Fold) restock(product uint32) {
	for _, i := range f.showing[product] {
		f.stock(i)
	}
}

// policy puts a policy in force, in the place of the one of its name. One that cannot be read, which
// the page that changes policies never lets through, changes nothing.
func (f *Fold) policy(b event.PolicyChanged) {
	p, err := ParsePolicy(b.Weights)
	if err != nil || b.Share < 0 || b.Share > 10_000 {
		return
	}
	next := inForce{id: bare(b.Policy), number: uint32(b.Version), share: uint32(b.Share), policy: p, hash: p.Hash()}
	kept := []inForce{}
	for _, old := range f.policies {
		if old.id != next.id && old.policy.Name != p.Name {
			kept = append(kept, old)
		}
	}
	if next.share > 0 {
		kept = append(kept, next)
	}
	if len(kept) == 0 {
		kept = append(kept, builtIn())
	}
	f.enforce(kept)
}

// split puts policies in force side by side, in the place of all that were. One that cannot be read, or
// shares that are not the whole, change nothing.
func (f *Fold) split(b event.PolicySplit) {
	next, whole := []inForce{}, 0
	for _, s := range b.Policies {
		if s.Share <= 0 || s.Share > 10_000 {
			return
		}
		whole += int(s.Share)
		if s.Name == Uniform {
			next = append(next, control(bare(s.Policy), uint32(s.Version), uint32(s.Share)))
			continue
		}
		p, err := ParsePolicy(s.Weights)
		if err != nil {
			return
		}
		next = append(next, inForce{id: bare(s.Policy), number: uint32(s.Version), share: uint32(s.Share), policy: p, hash: p.Hash()})
	}
	if whole == 10_000 {
		f.enforce(next)
	}
}

// enforce makes these the policies. The one with the largest share decides about stages; the older one
// among equals, and the control only when it is alone.
func (f *Fold) enforce(list []inForce) {
	for k := range list {
		if !list[k].chance && (list[0].chance || list[k].share > list[0].share) {
			list[0], list[k] = list[k], list[0]
		}
	}
	f.policies = list
}

// dealt takes in a page that was shown: budgets count what was dealt, seen or not.
func (f *Fold) dealt(s *event.Served) {
	if !dealtBy(s.Surface) {
		return
	}
	f.ask(s)
	for _, slot := range s.Slots {
		if slot.Kind == event.SlotWithheld || int(slot.Candidate) >= len(s.Candidates) {
			continue
		}
		i, ok := f.itemOf[s.Candidates[slot.Candidate]]
		if !ok {
			continue
		}
		it := f.items.at(i)
		it.served++
		f.spent(i)
	}
}

// spent notes that a video's budget is used up, once: it is decided about when those who were shown it
// last have had their time.
func (f *Fold) spent(i uint32) {
	it, p := f.items.at(i), &f.policies[0].policy
	if it.stopped != 0 || int(it.stage) > len(p.Stages) || it.awaits == tierOf(it)+1 || int(it.served) < p.Budget(int(it.stage), it.extended != 0) {
		return
	}
	it.awaits = tierOf(it) + 1
	f.due = append(f.due, due{f.stamp, i, tierOf(it)})
	f.pool(i)
}
