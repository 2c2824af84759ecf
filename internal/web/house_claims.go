package web

import (
	"net/http"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/order"
)

// claimsShown bounds the lists.
const claimsShown = 50

// houseClaims lists what buyers wait for.
func (s *Site) houseClaims(v *visit) error {
	return s.showHouseClaims(v, http.StatusOK, func(*HouseClaimsPage) {})
}

func (s *Site) showHouseClaims(v *visit, status int, change func(*HouseClaimsPage)) error {
	page := HouseClaimsPage{Tabs: moneyTabs("/operator/claims")}
	claims, err := s.Orders.OpenClaims(v.ctx(), v.who, claimsShown)
	if err != nil {
		return err
	}
	returns, err := s.Orders.OpenReturns(v.ctx(), v.who, claimsShown)
	if err != nil {
		return err
	}
	names := map[id.Brand]string{}
	for _, c := range claims {
		names[c.Brand] = ""
	}
	for _, r := range returns {
		names[r.Brand] = ""
	}
	if err := v.brandNames(names); err != nil {
		return err
	}
	for _, c := range claims {
		page.Claims = append(page.Claims, houseClaimOf(c, names[c.Brand]))
	}
	for _, r := range returns {
		row := HouseReturn{Order: Tail(string(r.Order)), URL: "/orders/" + string(r.Order), Brand: names[r.Brand], BrandURL: "/brand/" + string(r.Brand) + "/returns",
			Word: returnSays[r.State], Tone: "wait", Next: returnNext(r), When: "Asked for on " + DayTime(r.CreatedAt)}
		if r.State == order.ReturnRequested {
			row.Word = "waits for the brand" // as claims say it above
		}
		if r.State == order.ReturnApproved && r.Refund != "" {
			row.Word, row.Tone = refundRefused, "bad"
		}
		if !r.DueAt.IsZero() && !r.DueAt.After(v.now) {
			row.Word, row.Tone = "overdue", "bad"
			row.Next = "The time to answer is over. It is answered for by the shop as soon as nothing of its order is undecided."
		}
		for _, u := range r.Lines {
			row.What = append(row.What, CountOf(u.Quantity, "unit", "")+": “"+u.Reason+"”")
		}
		page.Returns = append(page.Returns, row)
	}
	change(&page)
	page.Chrome = v.chrome("Claims and returns", Operator, "money")
	return v.show(status, HouseClaims(page))
}

func houseClaimOf(c order.Claim, brand string) HouseClaim {
	row := HouseClaim{ID: string(c.ID), Order: Tail(string(c.Order)), URL: "/orders/" + string(c.Order), Brand: brand, Says: c.Says, Proof: c.Proof, Word: "waits for the brand", Tone: "wait",
		When:  "Said on " + DayTime(c.CreatedAt) + ". Without a proof by " + DayTime(c.DueAt) + " the money goes back.",
		Field: Field{Name: "proof", ID: "proof-" + string(c.ID), Label: "What proves that it arrived", Max: order.MaxProof, Rows: 2, Optional: true}}
	if c.State == order.ClaimOpen && c.Refund != "" {
		row.Word, row.Tone = refundRefused, "bad"
		row.When = "Said on " + DayTime(c.CreatedAt) + ". The payment provider refused to give the money back. The brand or you ask again, or by " + DayTime(c.DueAt) +
			" the shop does; where the buyer was paid another way, say how as the proof."
	}
	if c.State == order.ClaimProven {
		row.Proven, row.Word, row.Tone = true, "proven", ""
		row.When = "Said on " + DayTime(c.CreatedAt) + ". The brand has proven the delivery; its money is released unless you decide against it."
	}
	return row
}

// brandNames fills in what brands are called.
func (v *visit) brandNames(names map[id.Brand]string) error {
	return v.site.DB.Read(v.ctx(), func(tx *db.Tx) error {
		for b := range names {
			found, err := account.BrandOf(tx, b)
			if err != nil {
				return err
			}
			names[b] = found.Name
		}
		return nil
	})
}

// decideClaim is the operator's word on a parcel that never came.
func (s *Site) decideClaim(v *visit) error {
	cid, refund := id.Claim(v.r.PathValue("claim")), v.text("do") == "refund"
	c, err := s.Orders.AnswerClaim(v.ctx(), v.who, cid, v.text("proof"), refund)
	if a, said := v.amissOf(err); said {
		return s.showHouseClaims(v, a.status, func(p *HouseClaimsPage) {
			for i := range p.Claims {
				if c := &p.Claims[i]; c.ID == string(cid) {
					c.Open, c.Field.Value = true, v.text("proof")
					a.mark(&c.Field)
				}
			}
			p.Notes = a.notes("Nothing was decided.")
		})
	}
	if err != nil {
		return err
	}
	switch {
	case refund && c.State == order.ClaimOpen:
		v.tell(notGivenBack)
	case refund:
		v.tell("The money goes back to the buyer.")
	default:
		v.tell("It counts as arrived. The buyer can still turn to you until it is released.")
	}
	return v.to("/operator/claims")
}
