package web

import (
	"crypto/rand"
	"net/http"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/order"
)

// ordersOfBrand is what must be packed and what is on its way.
func (s *Site) ordersOfBrand(v *visit) error {
	return s.showPacking(v, http.StatusOK, func(*OrdersBoard) {})
}

func (s *Site) showPacking(v *visit, status int, change func(*OrdersBoard)) error {
	state := v.stateTab()
	list, err := s.Orders.BrandOrders(v.ctx(), v.who, v.brand.ID, state, id.Order(v.text("cursor")), rowsPage+1)
	if err != nil {
		return err
	}
	counts, err := s.Orders.BrandCounts(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	page := OrdersBoard{}
	here := v.brandURL("/orders")
	for _, t := range []struct {
		state order.State
		text  string
	}{{"", "All"}, {order.Paid, "To pack"}, {order.Shipped, "On the way"}, {order.Delivered, "Arrived"}, {order.Completed, "Done"}, {order.Cancelled, "Cancelled"}} {
		tab := Tab{Text: t.text, URL: here, Here: t.state == state, Count: int(counts[t.state])}
		if t.state != "" {
			tab.URL += "?state=" + string(t.state)
		}
		page.States = append(page.States, tab)
	}
	returns, err := s.Orders.BrandReturnCounts(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	claims, err := s.Orders.BrandClaims(v.ctx(), v.who, v.brand.ID, order.ClaimOpen, "", rowsPage)
	if err != nil {
		return err
	}
	page.States = append(page.States, Tab{Text: "Returns", URL: v.brandURL("/returns?state=requested"), Count: int(returns[order.ReturnRequested]) + len(claims)})
	disputes, err := s.Orders.BrandDisputes(v.ctx(), v.who, v.brand.ID, order.DisputeOpen, "", rowsPage)
	if err != nil {
		return err
	}
	page.States = append(page.States, Tab{Text: "Disputes", URL: v.brandURL("/disputes"), Count: len(disputes)})
	if state != "" {
		here += "?state=" + string(state)
	} else {
		here += "?"
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "&cursor=" + string(list[rowsPage-1].ID)
	}
	if v.text("cursor") != "" {
		page.Pager.First = here
	}
	if page.Parts, err = v.jobs(list); err != nil {
		return err
	}
	change(&page)
	page.Chrome = v.chrome("Orders", Brand, "orders")
	return v.show(status, OrdersOfBrand(page))
}

// jobs are the brand's parts of orders, ready to pack.
func (v *visit) jobs(list []order.Order) ([]OrderJob, error) {
	var images []id.Image
	var creators []id.Creator
	for _, o := range list {
		for _, l := range o.Lines {
			images = append(images, id.Image(l.Image))
			if l.Creator != "" {
				creators = append(creators, l.Creator)
			}
		}
	}
	found, err := v.pictures(images...)
	if err != nil {
		return nil, err
	}
	names, err := v.creatorNames(creators)
	if err != nil {
		return nil, err
	}
	labels, err := v.labelChoice()
	if err != nil {
		return nil, err
	}
	var jobs []OrderJob
	for _, o := range list {
		for _, p := range o.Parts {
			job := OrderJob{Order: string(o.ID), Part: string(p.ID), State: string(p.State), Says: jobSays(p, v.now), Paid: p.PaidAt, Buyer: o.Address.Name,
				Address: addressLines(o.Address)[1:], Total: p.Total, Key: rand.Text()}
			if i := slices.IndexFunc(o.Disputes, isOpen); i >= 0 {
				job.Dispute = Link{Text: "Disputed at the buyer’s bank", URL: v.brandURL("/disputes/" + string(o.Disputes[i].ID))}
			}
			job.Carrier, job.Tracking, job.Label = NewShipFields(string(p.ID), labelsOf(labels, o.Currency, p))
			job.Shipping = shippingWords(p.Shipping)
			yours := money.Of(0, o.Currency)
			for _, l := range o.Lines {
				if l.Part != p.ID {
					continue
				}
				line := JobLine{ID: string(l.ID), Title: titled(l.Title, l.VariantTitle), SKU: l.SKU, Quantity: int(l.Quantity), Picture: Picture{URL: found[id.Image(l.Image)].SmallURL()}, Open: l.Open()}
				if l.Back.Quantity > 0 {
					line.Back = Count(l.Back.Quantity) + " of " + Count(l.Quantity) + " refunded"
				}
				if l.Creator != "" {
					line.Earner = names[l.Creator] + ", " + Money(money.Of(l.Frozen.Commission.Minor-l.Back.Commission, o.Currency))
				}
				yours.Minor += l.Frozen.Brand.Minor - l.Back.Brand
				job.Lines = append(job.Lines, line)
			}
			job.Yours, job.Refunded = yours, p.Refunded
			for _, u := range o.Vouchers {
				job.Vouchers = append(job.Vouchers, MoneyLess(u.Amount)+" "+voucherLabel(o, u))
			}
			job.Refunds, job.Refund = refundRowsOf(o, p.ID, names), refundFormOf(o, p, v.brandURL("/orders/"+string(o.ID)+"/refund"))
			for _, sh := range o.Shipments {
				if sh.Part == p.ID {
					job.Shipments = append(job.Shipments, Shipment{ID: string(sh.ID), Carrier: sh.Carrier, Tracking: sh.Tracking, At: sh.ShippedAt, Delivered: sh.State == order.Delivered, Key: rand.Text(), Label: labelSaid(sh.Label)})
				}
			}
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// shippingWords says what the buyer paid for shipping, and what a label of the platform's is paid from.
func shippingWords(paid money.Amount) string {
	if paid.IsZero() {
		return "The buyer paid nothing for shipping: a label is yours to pay."
	}
	return "The buyer paid " + Money(paid) + " for shipping. A label is paid from that, and you pay what it costs beyond. With your own carriage all of it is yours."
}

// jobSays is how a part stands, in the packer's words.
func jobSays(p order.Part, now time.Time) string {
	switch p.State {
	case order.Paid:
		says := "to pack, just in"
		if age := now.Sub(p.PaidAt); age >= time.Minute {
			says = "to pack, " + agoWords(age) + " old"
		}
		if !p.ShipBy.IsZero() {
			says += ", cancels itself on " + Day(p.ShipBy)
		}
		return says
	case order.Shipped:
		return "on the way since " + Day(p.ShippedAt)
	case order.Delivered:
		return "held until " + Day(p.ReleaseAt)
	case order.Completed:
		return "done"
	case order.Cancelled:
		return "cancelled"
	}
	return string(p.State)
}

// agoWords is how long something has been, roughly: "5 h".
func agoWords(d time.Duration) string {
	switch {
	case d < time.Hour:
		return Count(max(0, int64(d/time.Minute))) + " min"
	case d < 48*time.Hour:
		return Count(int64(d/time.Hour)) + " h"
	}
	return CountOf(int64(d/(24*time.Hour)), "day", "")
}

// ship hands the lines of a part over to a carrier, once for the form's key.
func (s *Site) ship(v *visit) error {
	ord := id.Order(v.r.PathValue("order"))
	if err := v.ownOrder(ord); err != nil {
		return err
	}
	in := order.NewShipment{Lines: many[id.Line](v, "line_ids"), Carrier: v.text("carrier"), Tracking: v.text("tracking"), Label: id.LabelRate(v.text("label"))}
	_, err := s.Orders.Ship(v.keyed(), v.who, ord, in)
	if a, said := v.amissOf(err); said {
		return s.showPacking(v, a.status, func(page *OrdersBoard) {
			for i := range page.Parts {
				if p := &page.Parts[i]; p.Order == string(ord) {
					p.Carrier.Value, p.Tracking.Value, p.Label.Value = in.Carrier, in.Tracking, string(in.Label)
					a.mark(&p.Carrier, &p.Tracking)
					a.under(&p.Label, "label_rate_id")
				}
			}
			page.Notes = a.notes("Nothing was handed over.")
		})
	}
	return v.kept(err, "Handed over. The buyer sees it.", "/orders?state=shipped")
}

// delivered notes that a parcel arrived.
func (s *Site) delivered(v *visit) error {
	_, err := s.Orders.Delivered(v.keyed(), v.who, id.Shipment(v.r.PathValue("shipment")))
	if a, said := v.amissOf(err); said {
		return s.showPacking(v, a.status, func(page *OrdersBoard) { page.Notes = a.notes("Nothing was changed.") })
	}
	return v.kept(err, "It has arrived. The hold runs from now.", "/orders?state=delivered")
}

// ownOrder refuses an order without a part of the brand whose console this is.
func (v *visit) ownOrder(ord id.Order) error {
	o, err := v.site.Orders.Order(db.WithoutKey(v.ctx()), v.who, ord, "")
	if err != nil {
		return err
	}
	for _, p := range o.Parts {
		if p.Brand == v.brand.ID {
			return nil
		}
	}
	return missing()
}
