package demo

import (
	"context"
	"errors"
	"net/http"
	"time"

	"mezzo/internal/client"
)

// A day of the past, in the shop's time.
const (
	scroll  = 20 * time.Minute // from the feed opened to its events told
	morning = 9 * time.Hour    // then the brands pack
	day     = 24 * time.Hour
)

// The demo's shopper orders on these days whatever the lots say, and calls one order off; early enough to be
// released by the end, and again on the last day, each creator that is shown sells what their first film
// shows; on the last day so does each brand. So there is always something to look at.
const (
	firstOrder, secondOrder, calledOff, lastOrder = 1, 8, 13, 18
	firstSales                                    = 2
	lostSale, wonSale, codeSales, missingSale     = 3, 4, 5, 17
	lastDay                                       = Days - 1
)

// sale is one that happens whatever the lots say.
type sale struct {
	goods string                                            // in the manifest; "": there is none
	by    *creator                                          // whose first film it is seen in; nil: nobody's
	code  string                                            // typed at the till; "": none
	then  func(context.Context, *visit, client.Order) error // what comes of it; nil: nothing
}

// certain returns what the first visitors of a day buy in any case.
func (w *World) certain(today int) []sale {
	marisol, tomas := w.creators[1], w.creators[2]
	switch today {
	case firstOrder:
		return []sale{{goods: "mug", then: w.keep("first")}}
	case lostSale:
		return []sale{{goods: "pan", by: marisol, then: w.keep("lost")}}
	case wonSale:
		return []sale{{goods: "board", by: tomas, then: w.keep("won")}}
	case codeSales: // one brought the buyer, the other's code was typed
		return []sale{{goods: "pan", by: marisol, code: "TOMAS10"}, {goods: "board", by: tomas, code: "MARISOL10"}}
	case secondOrder:
		return []sale{{goods: "honey"}}
	case calledOff:
		return []sale{{goods: "lamp", then: func(ctx context.Context, v *visit, o client.Order) error { return v.Cancel(ctx, o.ID) }}}
	case missingSale:
		return []sale{{goods: "knife", by: tomas, then: w.keep("missing")}}
	case lastOrder:
		return []sale{{goods: "teapot", then: w.keep("last")}}
	}
	var list []sale
	if today == lastDay {
		list = append(list, sale{goods: "pan", by: marisol, then: w.keep("open")})
		for _, b := range w.brands {
			list = append(list, sale{goods: b.goods[0]})
		}
	}
	if today == lastDay || today == firstSales {
		for _, c := range w.creators[:shown] {
			film, _ := w.video(c.first)
			list = append(list, sale{goods: film.goods[0], by: c})
		}
	}
	return list
}

// visitor returns who comes as the i-th of a day.
func (w *World) visitor(today, i int) *shopper {
	switch today {
	case firstOrder, secondOrder, calledOff, lastOrder, lastDay:
		if i == 0 {
			return w.shoppers[0]
		}
	}
	return w.shoppers[1+(today*perDay+i)*7%(len(w.shoppers)-1)]
}

// parcel is an order on its way.
type parcel struct {
	order    string
	shipment string
	day      int // on which it was handed over
}

// live makes the past, day by day: people come, watch and buy, brands ship and deliver, the clock
// is turned. When the machine is slow fewer people come, so that it is done in time.
func (w *World) live(ctx context.Context) error {
	under := make([][]parcel, len(w.brands))
	turnout := perDay
	for today := range Days {
		begun := w.o.Clock.Now()
		if err := w.dayOf(ctx, today, turnout, under); err != nil {
			return err
		}
		w.stage(40+57*(today+1)/Days, "three weeks of trade, day %d of %d", today+1, Days)
		took, left := w.o.Clock.Now().Sub(begun), w.o.Limit-w.o.Clock.Now().Sub(w.begun)
		if rest := Days - today - 1; rest > 0 && took > 0 {
			turnout = max(2, min(perDay, int(float64(turnout)*float64(left)/float64(rest)/float64(took))))
		}
	}
	return nil
}

func (w *World) dayOf(ctx context.Context, today, turnout int, under [][]parcel) error {
	if today > 0 {
		if err := w.each(ctx, len(w.creators), func(ctx context.Context, i int) error { return w.post(ctx, w.creators[i], today) }); err != nil {
			return err
		}
	}
	sure := w.certain(today)
	turnout = max(turnout, len(w.brands), len(sure))
	sure = append(sure, make([]sale, turnout-len(sure))...)
	visits := make([]*visit, turnout)
	err := w.each(ctx, turnout, func(ctx context.Context, i int) error {
		var err error
		visits[i], err = w.come(ctx, w.visitor(today, i))
		return err
	})
	if err != nil {
		return err
	}
	if err := w.turn(ctx, scroll); err != nil {
		return err
	}
	err = w.each(ctx, turnout, func(ctx context.Context, i int) error { return w.pastVisit(ctx, visits[i], sure[i]) })
	if err != nil {
		return err
	}
	if err := w.turn(ctx, morning); err != nil {
		return err
	}
	if err := w.each(ctx, len(w.brands), func(ctx context.Context, i int) error { return w.pack(ctx, i, today, &under[i]) }); err != nil {
		return err
	}
	if err := w.settleMatters(ctx, today); err != nil {
		return err
	}
	if err := w.giveSamples(ctx, today); err != nil {
		return err
	}
	return w.turn(ctx, day-scroll-morning)
}

// pastVisit tells all of a visit at once: the clock has been turned over it.
func (w *World) pastVisit(ctx context.Context, v *visit, certain sale) error {
	at := w.now().Add(-scroll / 2)
	var events []client.Event
	for _, item := range v.items {
		told, took := w.watch(v, item, at)
		events, at = append(events, told...), at.Add(took+time.Second)
		if len(told) > 1 {
			if err := w.react(ctx, v, item); err != nil {
				return err
			}
		}
	}
	if len(events) > 0 {
		if _, err := v.SendEvents(ctx, events...); err != nil {
			return err
		}
	}
	w.change(func(s *Status) { s.Sessions++ })
	order, err := w.decide(ctx, v, certain)
	if err == nil && certain.then != nil {
		err = certain.then(ctx, v, order)
	}
	return err
}

// pack hands over what was paid and records what has arrived: two days later. What is paid on the
// last day is left, so that somebody who looks around finds orders to ship.
func (w *World) pack(ctx context.Context, at, today int, under *[]parcel) error {
	b := w.brands[at]
	var still []parcel
	for _, p := range *under {
		if today < p.day+2 {
			still = append(still, p)
			continue
		}
		if err := b.Deliver(ctx, p.shipment); err != nil {
			return err
		}
	}
	*under = still
	if today == lastDay {
		return nil
	}
	orders, err := b.BrandOrders(ctx, b.id, "paid")
	if err != nil {
		return err
	}
	for _, o := range orders {
		shipment, err := w.ship(ctx, b, o)
		if errors.Is(err, errNothing) {
			continue
		}
		if err != nil {
			return err
		}
		*under = append(*under, parcel{o.ID, shipment, today})
	}
	return nil
}

var errNothing = errors.New("nothing to ship")

// ship hands all lines of a brand's part over.
func (w *World) ship(ctx context.Context, b *brand, o client.Order) (string, error) {
	var lines []string
	for _, l := range o.Lines {
		lines = append(lines, l.ID)
	}
	if len(lines) == 0 {
		return "", errNothing
	}
	if b.label == "" {
		return b.Ship(ctx, o.ID, lines...)
	}
	var made client.ID
	err := b.Call(ctx, http.MethodPost, "/api/v1/orders/"+o.ID+"/shipments", map[string]any{"line_ids": lines, "label_rate_id": w.labels[b.label], "tracking": "MZ" + o.ID[len(o.ID)-8:]}, &made)
	return made.ID, err
}
