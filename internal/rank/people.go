package rank

import (
	"slices"

	"mezzo/internal/event"
	"mezzo/internal/id"
)

// follow notes whose videos a viewer asked for.
func (f *Fold) follow(viewer id.Viewer, creator id.Creator, on bool) {
	u, c := bare(viewer), bare(creator)
	if u == ([16]byte{}) || c == ([16]byte{}) {
		return
	}
	n := f.viewerNumber(u)
	whom := f.creatorNumber(c)
	v := f.viewers.at(n)
	f.unfollow(v, whom)
	if on {
		f.link(v, whom)
	}
}

// link notes that a viewer follows a creator.
func (f *Fold) link(v *viewer, creator uint32) {
	var n uint32
	var e *edge
	if f.freeEdge != 0 {
		n = f.freeEdge - 1
		e = f.edges.at(n)
		f.freeEdge = e.next
	} else {
		n, e = f.edges.add()
	}
	*e = edge{creator, v.follows}
	v.follows = n + 1
}

// unfollow forgets that a viewer follows a creator.
func (f *Fold) unfollow(v *viewer, creator uint32) {
	for at := &v.follows; *at != 0; {
		n := *at
		e := f.edges.at(n - 1)
		if e.creator == creator {
			*at = e.next
			*e = edge{next: f.freeEdge}
			f.freeEdge = n
			return
		}
		at = &e.next
	}
}

// followed returns whom a viewer follows, the latest first.
func (f *Fold) followed(v *viewer) (creators []uint32) {
	for n := v.follows; n != 0; {
		e := f.edges.look(n - 1)
		creators, n = append(creators, e.creator), e.next
	}
	return creators
}

// joined makes two viewers one: what the first one was becomes the second's where that is new, and is
// forgotten otherwise, but for whom they follow.
func (f *Fold) joined(b event.ViewerJoined) {
	from, into := bare(b.Viewer), bare(b.Into)
	n, known := f.viewerOf[from]
	if !known || from == into || into == ([16]byte{}) {
		return
	}
	m, there := f.viewerOf[into]
	if !there {
		f.viewers.at(n).id = into
		delete(f.viewerOf, from)
		f.viewerOf[into] = n
		return
	}
	have, more := f.followed(f.viewers.at(m)), f.followed(f.viewers.at(n))
	slices.Reverse(more)
	for _, c := range more {
		if !slices.Contains(have, c) {
			f.link(f.viewers.at(m), c)
		}
	}
	f.forget(from, n)
}

// erased forgets a viewer: their state is zeroed, and what others learned from them names nobody.
func (f *Fold) erased(b event.ViewerErased) {
	u := bare(b.Viewer)
	if n, known := f.viewerOf[u]; known {
		f.forget(u, n)
	}
}

// reset makes a viewer new, as they asked: what they did has no part in what they are shown from here.
// Whom they follow stays. What others learned from them stays too, and names nobody.
func (f *Fold) reset(b event.ViewerReset) {
	u := bare(b.Viewer)
	n, known := f.viewerOf[u]
	if !known {
		return
	}
	whom := f.followed(f.viewers.at(n))
	f.forget(u, n)
	if len(whom) == 0 {
		return
	}
	v := f.viewers.at(f.viewerNumber(u))
	for _, c := range slices.Backward(whom) {
		f.link(v, c)
	}
}

// forget drops a viewer. Their open impressions are learned from no more.
func (f *Fold) forget(u [16]byte, n uint32) {
	f.opens.each(func(o *open) {
		if o.viewer == n && o.gone == 0 {
			delete(f.openOf, o.key)
			*o = open{at: o.at, item: o.item, gone: 1}
		}
	})
	trials := f.trials[:0]
	for _, t := range f.trials {
		if t.viewer == n {
			delete(f.trialOf, pairOf(t.viewer, t.item))
			continue
		}
		f.trialOf[pairOf(t.viewer, t.item)] = f.trialed + len(trials)
		trials = append(trials, t)
	}
	f.trials = trials
	v := f.viewers.at(n)
	for _, c := range f.followed(v) {
		f.unfollow(v, c)
	}
	*v = viewer{}
	delete(f.viewerOf, u)
	f.freed = append(f.freed, n)
}

// paid takes in an order: every line whose click was dealt here makes its no a yes.
func (f *Fold) paid(b event.OrderPaid) {
	u := bare(b.Viewer)
	if u == ([16]byte{}) {
		return
	}
	n := f.viewerNumber(u)
	v := f.viewers.at(n)
	for _, line := range b.Lines {
		f.productNumber(bare(line.Product))
		if line.Touch == nil || line.Touch.Video == "" {
			continue
		}
		if i, ok := f.itemOf[bare(line.Touch.Video)]; ok && f.bought(n, i, dealtTouch(line.Touch)) {
			f.products.at(f.productNumber(bare(line.Product))).sold(&line, 1)
		}
	}
	v.orders++
}

// dealtTouch reports whether a sale was won by a click on a place that the ranking dealt.
func dealtTouch(t *event.SaleTouch) bool {
	return t.Surface == id.SurfaceHome.String() || t.Surface == id.SurfaceCategory.String()
}

// bought takes in that a viewer's click on a video became an order, and reports whether it counts: only
// with a click that counted, on a place that was dealt, so that what somebody buys of their own moves
// nothing. A video bought again by the same viewer is counted once: nobody can make it a bestseller alone.
func (f *Fold) bought(n, i uint32, dealt bool) bool {
	v, it := f.viewers.at(n), f.items.at(i)
	d := v.find(i)
	counts := d != nil && d.what&didClick != 0 && d.what&didBuy == 0 && dealt
	if at, waiting := f.trialOf[pairOf(n, i)]; waiting {
		f.trials[at-f.trialed].bought = 1
	}
	situation := uint64(0)
	if d != nil {
		situation = d.what & situationBits
	}
	if !counts {
		v.do(i, f.seconds(), situation, didBuy)
		v.lean(it.facts.Category, leanBuy, 1)
		return false
	}
	did := didBuy | didCount
	if int64(d.at)+int64(buyAfter.Seconds()) >= int64(f.seconds()) { // what is predicted is an order within the week
		s := Unpack(situation)
		relabel(Buy, base[Buy], f.termsOf(it, v, &s), 1, 1)
		did |= didLearn
	}
	it.orders++
	v.do(i, f.seconds(), situation, did)
	f.liked(&open{viewer: n, item: i, weight: believed(v)}, likedBuy)
	return true
}

// lost takes in that a bank gave a buyer the money back: of lines that nothing is left of it is as if they
// had been returned. A line of which something stays sold has a quantity of zero.
func (f *Fold) lost(b event.DisputeLost) {
	f.returned(b.Viewer, slices.DeleteFunc(b.Lines, func(l event.SaleLine) bool { return l.Quantity == 0 }))
}

// cancelled takes in that an order was called off: one that was paid is as if all that was left of it came back.
func (f *Fold) cancelled(b event.OrderCancelled) {
	if !b.PaidAt.IsZero() {
		f.returned(b.Viewer, b.Lines)
	}
}

// returned takes in that lines came back whole: the order carries no weight any more. It leaves
// the records of video, creator and product, where it is remembered as a return; and the weights that had
// learned it, while the viewer's deed is remembered.
func (f *Fold) returned(viewer id.Viewer, lines []event.SaleLine) {
	for _, line := range lines {
		p, known := f.productOf[bare(line.Product)]
		if !known || line.Touch == nil {
			continue
		}
		i, ok := f.itemOf[bare(line.Touch.Video)]
		if !ok {
			continue
		}
		it := f.items.at(i)
		counted := dealtTouch(line.Touch)
		if n, there := f.viewerOf[bare(viewer)]; there {
			v := f.viewers.at(n)
			if d := v.find(i); d != nil {
				counted = d.what&didCount != 0
				learned := d.what&didLearn != 0
				d.what = d.what&^(didCount|didLearn) | didReturn
				if s := Unpack(d.what & situationBits); learned {
					relabel(Buy, base[Buy], f.termsOf(it, v, &s), -1, 1)
				}
			}
		}
		if counted {
			it.orders = max(it.orders-1, 0)
			f.products.at(p).sold(&line, -1)
		}
	}
}
