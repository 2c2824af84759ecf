package stripetest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Fee is what the server keeps of a capture: 2.9 % and 30.
func Fee(amount int64) int64 { return amount*29/1000 + 30 }

func metadata(r *http.Request, prefix string) Object {
	m := Object{}
	for name := range r.PostForm {
		if rest, ok := strings.CutPrefix(name, prefix+"["); ok {
			m[strings.TrimSuffix(rest, "]")] = r.PostForm.Get(name)
		}
	}
	return m
}

func number(r *http.Request, name string) int64 {
	n, err := strconv.ParseInt(r.PostForm.Get(name), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func bad(message string) *failure { return &failure{400, "invalid_request_error", "", message} }

// make carries a POST out.
func (s *Server) make(r *http.Request) (Object, *failure) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")[1:]
	of := Object(nil)
	if len(parts) > 1 && parts[0] != "checkout" {
		of = s.objects[parts[1]]
	}
	switch {
	case r.URL.Path == "/v1/checkout/sessions":
		return s.makeSession(r)
	case len(parts) == 4 && parts[3] == "expire":
		o := s.objects[parts[2]]
		if o == nil || o["status"] != "open" {
			return nil, bad("Only Checkout Sessions with a status in [\"open\"] can be expired.")
		}
		o["status"] = "expired"
		s.happens("checkout.session.expired", o)
		return o, nil
	case r.URL.Path == "/v1/refunds":
		return s.makeRefund(r)
	case r.URL.Path == "/v1/transfers":
		return s.makeTransfer(r)
	case len(parts) == 3 && parts[2] == "reversals":
		return s.reverse(of)
	case r.URL.Path == "/v1/accounts":
		if len(r.PostForm.Get("country")) != 2 {
			return nil, bad("Country is not supported")
		}
		return s.newObject("acct", "account", Object{"details_submitted": false, "payouts_enabled": false, "paid_on": int64(0), "capabilities": Object{"transfers": "inactive"},
			"requirements": Object{"currently_due": []string{"external_account", "tos_acceptance.date"}, "disabled_reason": "requirements.past_due"}, "metadata": metadata(r, "metadata")}), nil
	case r.URL.Path == "/v1/account_links":
		o := s.objects[r.PostForm.Get("account")]
		if o == nil {
			return nil, &failure{404, "invalid_request_error", "resource_missing", "No such account"}
		}
		return Object{"object": "account_link", "url": s.URL + "/onboard/" + o.Text("id") + "?back=" + r.PostForm.Get("return_url"), "expires_at": s.now() + 300}, nil
	case len(parts) == 2 && parts[0] == "disputes" && of != nil:
		of["evidence"] = metadata(r, "evidence")
		return of, nil
	}
	return nil, &failure{404, "invalid_request_error", "", "Unrecognized request URL"}
}

func (s *Server) makeSession(r *http.Request) (Object, *failure) {
	amount, until := number(r, "line_items[0][price_data][unit_amount]"), number(r, "expires_at")
	switch {
	case amount < 50:
		return nil, &failure{400, "invalid_request_error", "amount_too_small", "The Checkout Session's total amount due must add up to at least $0.50 usd"}
	case until < s.now()+30*60 || until > s.now()+24*3600:
		return nil, bad("The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation.")
	case r.PostForm.Get("mode") != "payment" || r.PostForm.Get("success_url") == "":
		return nil, bad("mode and success_url")
	}
	o := s.newObject("cs_test", "checkout.session", Object{"status": "open", "payment_status": "unpaid", "amount_total": amount, "currency": strings.ToLower(r.PostForm.Get("line_items[0][price_data][currency]")),
		"client_reference_id": r.PostForm.Get("client_reference_id"), "expires_at": until, "metadata": metadata(r, "metadata"), "payment_intent": nil,
		"success_url": r.PostForm.Get("success_url"), "cancel_url": r.PostForm.Get("cancel_url"), "intent_metadata": metadata(r, "payment_intent_data[metadata]")})
	o["url"] = s.URL + "/pay/" + o.Text("id")
	return o, nil
}

// expire ends the pages whose time is over.
func (s *Server) expire() {
	for _, id := range slices.Sorted(maps.Keys(s.objects)) {
		if o := s.objects[id]; o["object"] == "checkout.session" && o["status"] == "open" && o.Number("expires_at") <= s.now() {
			o["status"] = "expired"
			s.happens("checkout.session.expired", o)
		}
	}
}

// Pay is the buyer who pays on the page, 3-D Secure and all; false when the page is over. late pays it even so.
func (s *Server) Pay(session string, late bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	o := s.objects[session]
	if o == nil || o["payment_status"] == "paid" || o["status"] != "open" && !late {
		return false
	}
	if o["status"] == "open" && s.Slow { // the bank answers later: paid late
		o["status"] = "complete"
		s.happens("checkout.session.completed", o)
		return true
	}
	amount := o.Number("amount_total")
	charge := s.newObject("ch", "charge", Object{"amount": amount, "currency": o["currency"], "refunded": int64(0), "metadata": o["intent_metadata"],
		"payment_method_details": Object{"card": Object{"fingerprint": "fp_4242"}}})
	intent := s.newObject("pi", "payment_intent", Object{"amount": amount, "currency": o["currency"], "status": "succeeded", "latest_charge": charge["id"], "metadata": o["intent_metadata"]})
	charge["payment_intent"] = intent["id"]
	o["status"], o["payment_status"], o["payment_intent"] = "complete", "paid", intent["id"]
	s.book("charge", charge, amount, Fee(amount))
	s.happens("checkout.session.completed", o)
	return true
}

func (s *Server) makeRefund(r *http.Request) (Object, *failure) {
	intent, amount := s.objects[r.PostForm.Get("payment_intent")], number(r, "amount")
	if intent == nil {
		return nil, &failure{404, "invalid_request_error", "resource_missing", "No such payment_intent"}
	}
	charge := s.objects[intent.Text("latest_charge")]
	lost := int64(0)
	for _, d := range s.objects {
		switch {
		case d["object"] != "dispute" || d["charge"] != charge["id"]:
		case d["status"] == "lost":
			lost += d.Number("amount")
		case d["status"] != "won":
			return nil, &failure{400, "invalid_request_error", "charge_disputed", "Charge has been charged back; cannot issue a refund."}
		}
	}
	if amount <= 0 || charge.Number("refunded")+lost+amount > charge.Number("amount") {
		return nil, &failure{400, "invalid_request_error", "charge_already_refunded", "Refund amount is greater than unrefunded amount on charge"}
	}
	if s.Refunds == "refused" {
		return nil, &failure{400, "invalid_request_error", "balance_insufficient", "You have insufficient funds in your Stripe account for this refund."}
	}
	status := s.Refunds
	if status == "" {
		status = "succeeded"
	}
	o := s.newObject("re", "refund", Object{"amount": amount, "currency": intent["currency"], "status": "pending", "payment_intent": intent["id"], "charge": charge["id"], "metadata": metadata(r, "metadata")})
	charge["refunded"] = charge.Number("refunded") + amount
	s.happens("refund.created", o)
	s.settleRefund(o, status)
	return o, nil
}

// SettleRefund ends a refund: succeeded or failed; one that succeeded may fail later.
func (s *Server) SettleRefund(id, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settleRefund(s.objects[id], status)
}

func (s *Server) settleRefund(o Object, status string) {
	was := o["status"]
	o["status"] = status
	amount := o.Number("amount")
	switch {
	case status == "succeeded" && was == "pending":
		s.book("refund", o, -amount, 0)
		s.happens("refund.updated", o)
	case status == "failed":
		if was == "succeeded" {
			s.book("refund_failure", o, amount, 0)
		}
		charge := s.objects[o.Text("charge")]
		charge["refunded"] = charge.Number("refunded") - amount
		o["failure_reason"] = "lost_or_stolen_card"
		s.happens("refund.failed", o)
	}
}

func (s *Server) makeTransfer(r *http.Request) (Object, *failure) {
	to, amount := s.objects[r.PostForm.Get("destination")], number(r, "amount")
	var held int64
	for _, l := range s.lines {
		held += l.Number("amount") - l.Number("fee")
	}
	switch {
	case to == nil:
		return nil, &failure{400, "invalid_request_error", "resource_missing", "No such destination"}
	case to["capabilities"].(Object)["transfers"] != "active":
		return nil, &failure{400, "invalid_request_error", "insufficient_capabilities_for_transfer", "Your destination account needs to have at least one of the following capabilities enabled: transfers"}
	case amount > held:
		return nil, &failure{400, "invalid_request_error", "balance_insufficient", "You have insufficient available funds in your Stripe account."}
	}
	o := s.newObject("tr", "transfer", Object{"amount": amount, "currency": strings.ToLower(r.PostForm.Get("currency")), "destination": to["id"], "reversed": false, "amount_reversed": int64(0), "reversals": Object{"object": "list", "data": []Object{}},
		"transfer_group": r.PostForm.Get("transfer_group"), "metadata": metadata(r, "metadata")})
	s.book("transfer", o, -amount, 0)
	return o, nil
}

func (s *Server) reverse(t Object) (Object, *failure) {
	if t == nil || t["reversed"] == true {
		return nil, &failure{400, "invalid_request_error", "transfer_already_reversed", "This transfer has already been reversed."}
	}
	left := t.Number("amount") - t.Number("amount_reversed")
	if left > s.heldBy(t["destination"]) {
		return nil, &failure{400, "invalid_request_error", "balance_insufficient", "The connected account has insufficient available funds for this reversal."}
	}
	t["reversed"], t["amount_reversed"] = true, t["amount"]
	s.book("transfer_refund", t, left, 0)
	s.happens("transfer.reversed", t)
	return s.newObject("trr", "transfer_reversal", Object{"amount": t["amount"], "transfer": t["id"]}), nil
}

// heldBy is what a connected account has of what was moved to it.
func (s *Server) heldBy(account any) int64 {
	held := -s.objects[account.(string)].Number("paid_on")
	for _, t := range s.objects {
		if t["object"] == "transfer" && t["destination"] == account {
			held += t.Number("amount") - t.Number("amount_reversed")
		}
	}
	return held
}

// PayOn is a connected account that pays an amount on to its bank; below nothing it gets as much from elsewhere.
func (s *Server) PayOn(account string, amount int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[account]
	o["paid_on"] = o.Number("paid_on") + amount
}

// ReversePart reverses a part of a transfer at Stripe's own pages.
func (s *Server) ReversePart(transfer string, amount int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.objects[transfer]
	times, _ := t["reversals"].(Object)["data"].([]Object)
	t["reversals"] = Object{"object": "list", "data": append([]Object{s.newObject("trr", "transfer_reversal", Object{"amount": amount, "transfer": t["id"]})}, times...)}
	t["amount_reversed"] = t.Number("amount_reversed") + amount
	t["reversed"] = t.Number("amount_reversed") == t.Number("amount")
	s.book("transfer_refund", t, amount, 0)
	s.happens("transfer.reversed", t)
}

// ListReversals lists no more than the last n reversals with a transfer, as Stripe does with many.
func (s *Server) ListReversals(transfer string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.objects[transfer]["reversals"].(Object)
	list["data"] = list["data"].([]Object)[:n]
}

// Complete is the owner of a connected account who answers everything, or (closed) whom Stripe then closes.
func (s *Server) Complete(account, closed string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[account]
	o["details_submitted"], o["payouts_enabled"] = true, closed == ""
	o["capabilities"] = Object{"transfers": map[bool]string{true: "active", false: "inactive"}[closed == ""]}
	o["requirements"] = Object{"currently_due": []string{}, "disabled_reason": closed}
	s.happens("account.updated", o)
	s.events[len(s.events)-1]["account"] = account
}

// Look is the owner of a connected account who answers everything, and Stripe that looks at the answers.
func (s *Server) Look(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[account]
	o["details_submitted"], o["payouts_enabled"] = true, false
	o["capabilities"] = Object{"transfers": "pending"}
	o["requirements"] = Object{"currently_due": []string{}, "disabled_reason": "requirements.pending_verification"}
	s.happens("account.updated", o)
	s.events[len(s.events)-1]["account"] = account
}

// Dispute has the buyer's bank dispute a charge whole, or brings its dispute to another status.
func (s *Server) Dispute(intent, status string) string {
	for _, o := range s.All("dispute") {
		if o["payment_intent"] == intent {
			s.EndDispute(o.Text("id"), status)
			return o.Text("id")
		}
	}
	return s.DisputePart(intent, s.Find(intent).Number("amount"))
}

// DisputePart has the buyer's bank dispute a part of a charge; "" where refunds and disputes have left less of it.
func (s *Server) DisputePart(intent string, amount int64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.objects[intent]
	gone := s.objects[i.Text("latest_charge")].Number("refunded")
	for _, d := range s.objects {
		if d["object"] == "dispute" && d["payment_intent"] == intent && d["status"] != "won" {
			gone += d.Number("amount")
		}
	}
	if amount <= 0 || gone+amount > i.Number("amount") {
		return ""
	}
	o := s.newObject("dp", "dispute", Object{"amount": amount, "currency": i["currency"], "status": "needs_response", "reason": "fraudulent", "payment_intent": intent, "charge": i["latest_charge"],
		"evidence_details": Object{"due_by": s.now() + 7*24*3600}, "balance_transactions": []Object{}})
	s.book("adjustment", o, -amount, 1500)
	s.addLine(o)
	s.happens("charge.dispute.created", o)
	return o.Text("id")
}

// EndDispute brings a dispute to another status.
func (s *Server) EndDispute(dispute, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[dispute]
	o["status"] = status
	if status == "won" {
		s.book("adjustment", o, o.Number("amount"), 0)
		s.addLine(o)
	}
	s.happens("charge.dispute.closed", o)
}

// addLine names the newest line of the balance in what caused it.
func (s *Server) addLine(o Object) {
	o["balance_transactions"] = append(o["balance_transactions"].([]Object), s.lines[len(s.lines)-1])
}

// shown is an object as it is answered, with what it names in full where it was asked for.
func (s *Server) shown(o Object, whole bool) Object {
	out := maps.Clone(o)
	delete(out, "intent_metadata")
	delete(out, "paid_on")
	if id := o.Text("payment_intent"); whole && id != "" && o["object"] == "checkout.session" {
		intent := maps.Clone(s.objects[id])
		intent["latest_charge"] = s.objects[intent.Text("latest_charge")]
		out["payment_intent"] = intent
	}
	if o["object"] == "balance_transaction" && whole {
		out["source"] = s.shown(s.objects[o.Text("source")], false)
	}
	return out
}

// give answers a GET.
func (s *Server) give(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	if r.URL.Path == "/v1/balance" {
		sums := map[string]int64{}
		for _, l := range s.lines {
			sums[l.Text("currency")] += l.Number("amount") - l.Number("fee")
		}
		list := []Object{}
		for c, n := range sums {
			list = append(list, Object{"amount": n, "currency": c})
		}
		answer(w, 200, Object{"object": "balance", "available": list, "pending": []Object{}})
		return
	}
	if o := s.objects[parts[len(parts)-1]]; o != nil {
		answer(w, 200, s.shown(o, true))
		return
	}
	kind := map[string]string{"balance_transactions": "balance_transaction", "refunds": "refund", "transfers": "transfer", "disputes": "dispute"}[parts[len(parts)-1]]
	if kind == "" {
		refuse(w, failure{404, "invalid_request_error", "resource_missing", "No such object"})
		return
	}
	s.list(w, func(o Object) bool {
		from, _ := strconv.ParseInt(q.Get("created[gte]"), 10, 64)
		to, err := strconv.ParseInt(q.Get("created[lt]"), 10, 64)
		return o["object"] == kind && o.Number("created") >= from && (err != nil || o.Number("created") < to) &&
			(q.Get("payment_intent") == "" || o["payment_intent"] == q.Get("payment_intent")) && (q.Get("transfer_group") == "" || o["transfer_group"] == q.Get("transfer_group"))
	}, q.Get("starting_after"))
}

// list answers the newest first, in pages of three so that there are several.
func (s *Server) list(w http.ResponseWriter, want func(Object) bool, after string) {
	found := []Object{}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(s.objects))) {
		if o := s.objects[id]; want(o) && (after == "" || id < after) {
			found = append(found, s.shown(o, true))
		}
	}
	more := len(found) > 3
	answer(w, 200, Object{"object": "list", "data": found[:min(3, len(found))], "has_more": more})
}

// ToBank pays a part of the balance to the platform's bank, as Stripe does by itself.
func (s *Server) ToBank(amount int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book("payout", s.newObject("po", "payout", Object{"amount": amount, "currency": "usd"}), -amount, 0)
}

// ByHand refunds something at the provider's own pages, which nobody here asked for.
func (s *Server) ByHand(amount int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book("refund", s.newObject("re", "refund", Object{"amount": amount, "currency": "usd", "status": "succeeded", "metadata": Object{}}), -amount, 0)
}
