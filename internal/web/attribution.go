package web

import (
	"net/http"
	"net/url"
	"strings"

	"mezzo/internal/affiliate"
	"mezzo/internal/attribution"
	"mezzo/internal/catalog"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// attributions lists the sales that a creator's touches led to, whoever earned by them.
func (s *Site) attributions(v *visit) error {
	outcome, cursor := affiliate.Contended(v.text("outcome")), id.Line(v.text("cursor"))
	list, err := s.Affiliate.Contentions(v.ctx(), v.who, outcome, cursor, rowsPage+1)
	if err != nil {
		return err
	}
	const at = "/studio/attributions"
	here := at + "?outcome=" + url.QueryEscape(string(outcome))
	page := AttributionsPage{}
	for _, t := range []struct {
		outcome affiliate.Contended
		text    string
	}{{"", "All"}, {affiliate.ContendedLost, "Not earned"}, {affiliate.ContendedWon, "Earned"}} {
		page.States = append(page.States, Tab{Text: t.text, URL: at + "?outcome=" + string(t.outcome), Here: t.outcome == outcome})
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "&cursor=" + string(list[rowsPage-1].Line)
	}
	if cursor != "" {
		page.Pager.First = here
	}
	if page.Rows, err = v.attributionRows(list); err != nil {
		return err
	}
	page.Chrome = v.chrome("Why not me", Studio, "earnings")
	return v.show(http.StatusOK, Attributions(page))
}

func (v *visit) attributionRows(list []affiliate.Contention) ([]AttributionRow, error) {
	var ids []id.Product
	for _, c := range list {
		ids = append(ids, c.Product)
	}
	found, err := v.productsOf(ids)
	if err != nil {
		return nil, err
	}
	products := make([]catalog.Product, len(list))
	for i := range ids {
		products[i] = found[ids[i]]
	}
	goods, err := v.goods(products, nil)
	if err != nil {
		return nil, err
	}
	known := map[id.Order]map[id.Line]affiliate.LineReceipt{}
	var rows []AttributionRow
	for i, c := range list {
		if known[c.Order] == nil {
			if known[c.Order], err = v.receiptsBy(c.Order); err != nil {
				return nil, err
			}
		}
		row := AttributionRow{Title: c.Title, Picture: goods[i].Picture, When: Day(c.Day) + ", order " + Tail(string(c.Order)), Won: c.Won, Says: c.Says}
		r := known[c.Order][c.Line]
		row.Receipt = receiptOf(r, "")
		if !c.Won && r.Outcome == attribution.OutcomeCreator {
			row.Receipt.Says = "Another creator earns by it. " + row.Receipt.Says
		}
		for j := range row.Receipt.Touches {
			row.Receipt.Touches[j].Who = "You"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// receiptsBy are the receipts of an order that the asker may see, by line.
func (v *visit) receiptsBy(ord id.Order) (map[id.Line]affiliate.LineReceipt, error) {
	by := map[id.Line]affiliate.LineReceipt{}
	list, err := v.site.Affiliate.Attribution(v.ctx(), v.who, ord, false)
	if fault.Is(err, fault.Missing) {
		return by, nil
	}
	for _, r := range list {
		by[r.Line] = r
	}
	return by, err
}

// consideredOn are the receipts of an order for its brands and the operator: each candidate and why it lost.
func (v *visit) consideredOn(o order.Order) ([]Receipt, error) {
	if o.PaidAt.IsZero() || o.Asker != order.AsBrand && o.Asker != order.AsOperator {
		return nil, nil
	}
	by, err := v.receiptsBy(o.ID)
	if err != nil {
		return nil, err
	}
	var list []Receipt
	for _, l := range o.Lines {
		if r, ok := by[l.ID]; ok {
			c := receiptOf(r, titled(l.Title, l.VariantTitle))
			if o.Asker == order.AsBrand {
				for i := range c.Touches {
					c.Touches[i].When = Day(r.Touches[i].At)
				}
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// receiptOf lays a receipt out as far as its reader may see it.
func receiptOf(r affiliate.LineReceipt, title string) Receipt {
	c := Receipt{Title: title, Says: r.Says}
	if r.Winner != nil {
		c.Facts = append(c.Facts, SumRow{Label: "Earns by it", Value: r.Winner.DisplayName})
	}
	if r.Base != nil {
		c.Facts = append(c.Facts, SumRow{Label: "Price of the goods, without tax", Value: Money(*r.Base)})
	}
	if r.Rate != nil {
		rate := SumRow{Label: "Rate, frozen at the sale", Value: Percent(int64(*r.Rate))}
		if r.RateLocked {
			rate.Label += ", as promised before a cut"
		}
		c.Facts = append(c.Facts, rate, SumRow{Label: "A click counts for", Value: hoursWords(r.WindowHours)})
	}
	if r.Rule != "" {
		c.Facts = append(c.Facts, SumRow{Label: "Rule", Value: ruleWords(r.Rule) + ", version " + Count(r.RuleVersion)})
	}
	for _, t := range r.Touches {
		one := Candidate{What: touchWords(t), When: DayTime(t.At), Says: t.Says, Won: t.Won, Who: "A creator who has gone"}
		if t.Creator != nil {
			one.Who = t.Creator.DisplayName
		}
		c.Touches = append(c.Touches, one)
	}
	if r.Others > 0 {
		c.Others = CountOf(r.Others, "touch of another creator was", "touches of other creators were") + " considered beside yours."
	}
	if len(r.Touches) == 0 && r.Others == 0 {
		c.Others = "Nobody’s click or code came before it."
	}
	return c
}

// touchWords says what a touch was.
func touchWords(t affiliate.TouchView) string {
	says := "a click"
	switch affiliate.TouchKind(t.Kind) {
	case affiliate.TouchCode:
		says = "the code " + t.Code + ", typed"
	case affiliate.TouchCart:
		says = "put into the bag"
	case affiliate.TouchLink:
		says = "a link"
	}
	switch {
	case t.Kind == attribution.KindCode:
	case t.Surface == "room":
		says += " in a live room"
	case t.Video != "":
		says += " from a video"
	case t.Showcase != "":
		says += " from a showcase"
	}
	if t.Product != "" {
		says += ", on another product of the brand"
	}
	return says
}

// ruleWords names the rule of an attribution.
func ruleWords(rule string) string {
	if rule == attribution.RuleName {
		return "a typed code, else a live room, else the last click"
	}
	return strings.ReplaceAll(rule, "_", " ")
}
