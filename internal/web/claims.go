package web

import (
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// claimBadges is how a claim stands, in words.
var claimBadges = map[order.ClaimState]string{
	order.ClaimOpen: "waits for the seller", order.ClaimProven: "proven to have come", order.ClaimRefunded: "money given back", order.ClaimWithdrawn: "came after all",
}

// refundRefused is how a claim or a return stands whose refund the provider has refused.
const refundRefused = "refund refused"

// notGivenBack is said to whoever gave money back that the provider then refused.
const notGivenBack = "The payment provider refused it: nothing was given back. Try again later, or pay the buyer another way and have the operator end it."

func claimRowOf(c order.Claim) ClaimRow {
	row := ClaimRow{ID: string(c.ID), State: string(c.State), Badge: claimBadges[c.State], Says: c.Says, Proof: c.Proof, At: c.CreatedAt}
	switch {
	case c.State == order.ClaimOpen && c.Refund != "":
		row.Badge = refundRefused
		row.Next = "The payment provider refused to give the money back. The seller is to do it again, or by " + DayTime(c.DueAt) + " the shop does; until then nobody is paid."
	case c.State == order.ClaimOpen:
		row.Next = "Without proof by " + DayTime(c.DueAt) + " everything is given back."
	case c.State == order.ClaimProven:
		row.Next = "Who disagrees asks the operator; the brand is paid three days later at the earliest."
	}
	return row
}

// claimsOf are the claims and the forms of an order's page, for its buyer.
func (v *visit) claimsOf(o order.Order, token string) (rows []ClaimRow, forms []ClaimForm) {
	ended := map[id.Part]bool{}
	for _, c := range o.Claims {
		row := claimRowOf(c)
		row.Token, row.Drop = token, o.Asker == order.AsBuyer && (c.State == order.ClaimOpen || c.State == order.ClaimProven)
		rows = append(rows, row)
		ended[c.Part] = ended[c.Part] || c.State != order.ClaimWithdrawn
	}
	if o.Asker != order.AsBuyer {
		return rows, nil
	}
	for _, r := range o.Returns {
		ended[r.Part] = ended[r.Part] || r.State == order.ReturnRequested || r.State == order.ReturnApproved
	}
	for _, p := range o.Parts {
		left := false
		for _, l := range o.Lines {
			left = left || l.Part == p.ID && l.Left() > 0
		}
		if from := p.ClaimableAt(); left && !ended[p.ID] && !from.IsZero() && !v.now.Before(from) {
			forms = append(forms, ClaimForm{Action: "/orders/" + string(o.ID) + "/claims", Part: string(p.ID), Token: token,
				Says: Field{Name: "says", Label: "What happened", Max: order.MaxReason, ID: "says-" + string(p.ID)}})
		}
	}
	return rows, forms
}

// claim says that a part has not come.
func (s *Site) claim(v *visit) error {
	ord := id.Order(v.r.PathValue("order"))
	who, err := v.buyer(string(ord))
	if err == nil {
		_, err = s.Orders.Claim(v.ctx(), who, ord, order.NewClaim{Part: id.Part(v.text("part_id")), Says: v.text("says")})
	}
	if a, said := v.amissOf(err); said {
		return s.showOrder(v, a.status, a.notes("Nothing was said."))
	}
	if err != nil {
		return err
	}
	v.tell("The seller has 72 hours to prove that it came.")
	return v.toOrder(ord)
}

// dropClaim says that it came after all.
func (s *Site) dropClaim(v *visit) error {
	who, err := v.buyer(v.r.PathValue("claim"))
	if err != nil {
		return err
	}
	c, err := s.Orders.WithdrawClaim(v.ctx(), who, id.Claim(v.r.PathValue("claim")))
	if err != nil {
		return err
	}
	v.tell("Good. The seller is paid when the hold has passed.")
	return v.toOrder(c.Order)
}

// answerClaim proves a delivery, or gives everything back.
func (s *Site) answerClaim(v *visit) error {
	cid, tab := id.Claim(v.r.PathValue("claim")), v.text("tab")
	c, err := s.Orders.AnswerClaim(v.ctx(), v.who, cid, v.text("proof"), v.text("answer") == "refund")
	if a, said := v.amissOf(err); said {
		return s.showReturns(v, a.status, func(page *ReturnsBoard) {
			for i := range page.Claims {
				if f := page.Claims[i].Answer; page.Claims[i].ID == string(cid) && f != nil {
					f.Proof.Value = v.text("proof")
					a.mark(&f.Proof)
				}
			}
			page.Notes = a.notes("Nothing was answered.")
		})
	}
	says := "The buyer reads it. You are paid when the hold has passed, in three days at the earliest."
	switch c.State {
	case order.ClaimRefunded:
		says = "Everything goes back."
	case order.ClaimOpen:
		says = notGivenBack
	}
	return v.kept(err, says, "/returns?state="+tab)
}
