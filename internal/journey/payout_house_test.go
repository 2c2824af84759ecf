package journey

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"testing"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/id"
	"mezzo/internal/ledger"
)

// What only those who are paid, and tax offices, may read.
const (
	secretTaxID   = "123-45-6789"
	secretAccount = "DE89370400440532013000"
	otherAccount  = "GB29NWBK60161331926819"
)

func payeeOf(name string) fields {
	return fields{"kind": "individual", "legal_name": name, "line1": "9 Hidden Way", "city": "Austin", "region": "TX", "postal_code": "73301", "country": "US", "tax_id": secretTaxID}
}

func accountAt(number string) fields {
	return fields{"holder": "Hidden Holder", "account": number, "bank_name": "First Bank", "current_password": password}
}

// furnishPayouts makes a large sale whose hold has passed, and pays brand and creator out of it: payouts that
// wait for the bank, one in a file handed to it, one that waits for the operators, and a line that fits nothing.
func (h *house) furnishPayouts() {
	shopper := must(h.nobody.NewViewer(h.ctx))(h.t)
	token := h.made(shopper, http.MethodGet, "/videos/"+h.video, nil, "impression")
	now := time.Now()
	must(shopper.SendEvents(h.ctx, client.NewEvent("impression", token, "", now), client.NewEvent("product_click", token, h.product.ID, now)))(h.t)
	large := h.made(h.operator, http.MethodPost, "/operator/labels", fields{"carrier": "DHL", "service": "Large", "price": client.Money{Amount: 420, Currency: "USD"}}, "id")
	for range 2 { // their fees are more than a bank holds back of the house's own
		cart := must(shopper.NewCart(h.ctx))(h.t)
		h.ok(shopper.Put(h.ctx, cart, h.product.Variants[0].ID, 20, token))
		till := must(shopper.CheckOut(h.ctx, cart, "big.buyer@example.com", home))(h.t)
		paid := must(shopper.Pay(h.ctx, till, "pm_card_visa"))(h.t)
		h.ok(h.owner.Deliver(h.ctx, h.keyed(h.owner, "/orders/"+paid.Order.ID+"/shipments", fields{"label_rate_id": large, "tracking": "JD 1"})))
	}
	h.ok(h.operator.Turn(h.ctx, 25*24*3600))
	h.eventually("the money is released", func() (bool, error) {
		var b struct{ Available client.Money }
		err := h.owner.Call(h.ctx, http.MethodGet, "/api/v1/brands/"+h.brand+"/balance", nil, &b)
		return b.Available.Amount > 0, err
	})
	settings := fields{"minimums": []any{}, "approval_limits": []any{client.Money{Amount: 5000, Currency: "USD"}}, "approvals": 1, "withholding": []any{}}
	h.ok(h.operator.Call(h.ctx, http.MethodPut, "/api/v1/operator/payout_settings", settings, nil))
	brand := "/brands/" + h.brand
	ask := func(c client.Client, path, dst string, amount int64) string {
		return h.keyed(c, path+"/payouts", fields{"amount": client.Money{Amount: amount, Currency: "USD"}, "destination_id": dst})
	}
	for _, of := range []struct {
		client     client.Client
		path, name string
	}{{h.creator, "/me", "/me"}, {h.owner, brand, "/brands/{id}"}} {
		h.ok(of.client.Call(h.ctx, http.MethodPut, "/api/v1"+of.path+"/payee", payeeOf("Hidden Name"), nil))
		dst := h.made(of.client, http.MethodPost, of.path+"/destinations", accountAt(secretAccount), "id")
		h.values[of.name+"/destinations/{destination}"] = dst
		h.values[of.name+"/payouts/{payout}"] = ask(of.client, of.path, dst, 2000)
		maps.Copy(h.bodies, map[string]any{
			"POST " + of.name + "/payouts":                            fields{"amount": client.Money{Amount: 1000, Currency: "USD"}, "destination_id": dst},
			"PUT " + of.name + "/payee":                               fields{"kind": "business", "legal_name": "Own Name", "line1": "1 Own Way", "city": "Austin", "region": "TX", "postal_code": "73301", "country": "US", "tax_id": "98-7654321"},
			"POST " + of.name + "/destinations":                       accountAt(otherAccount),
			"POST " + of.name + "/destinations/{destination}/confirm": fields{"current_password": password},
			"PUT " + of.name + "/payout_schedule":                     fields{"every": "weekly", "destination_id": dst},
		})
	}
	h.values["handed"] = h.values["/brands/{id}/payouts/{payout}"]
	h.values["/operator/payout_batches/{batch}"] = h.made(h.operator, http.MethodPost, "/operator/payout_batches", nil, "id")
	dst := h.values["/brands/{id}/destinations/{destination}"]
	ask(h.owner, brand, dst, 2000) // waits for the bank
	h.values["/operator/payouts/{payout}"] = ask(h.owner, brand, dst, 6000)
	h.values["/operator/payees/{year}"] = strconv.Itoa(time.Now().UTC().Year())
	odd := call{method: http.MethodPost, path: "/api/v1/operator/payout_results", body: []byte("payout_id,state,amount,currency\npot_00000000000000000000000000,confirmed,1.00,USD\n")}
	if a := askAs(h, odd); a.status != http.StatusOK {
		h.t.Fatalf("reading results: %d %s", a.status, a.body)
	}
	var lines struct{ Items []client.ID }
	h.ok(h.operator.Call(h.ctx, http.MethodGet, "/api/v1/operator/payout_unmatched", nil, &lines))
	h.values["/operator/payout_unmatched/{line}"] = lines.Items[0].ID
	h.ok(h.operator.Call(h.ctx, http.MethodPost, "/api/v1/operator/reconciliation", nil, nil))
	h.ok(h.differ())
	h.bodies["POST /operator/reconciliation/notes"] = fields{"provider": "sandbox", "subject": "charge:pay_lost", "currency": "USD", "note": "Given back at the provider."}
	h.made(h.operator, http.MethodPost, "/operator/settlements", fields{"amount": client.Money{Amount: 17000, Currency: "USD"}, "reference": "Line 6 of November"}, "id")
	h.bodies["POST /operator/exchanges"] = fields{"out": client.Money{Amount: 100, Currency: "USD"}, "in": client.Money{Amount: 91, Currency: "EUR"}, "on": time.Now().UTC().Format(time.DateOnly), "reference": "FX 7"}
	h.bodies["POST /operator/settlements"] = fields{"amount": client.Money{Amount: 1000, Currency: "USD"}, "reference": "Line 7 of November"}
	h.bodies["POST /operator/write_offs"] = fields{"owner": h.brand, "amount": client.Money{Amount: 100, Currency: "EUR"}, "reason": "They have closed their shop"}
	h.bodies["POST /operator/write_offs/{write_off}/decision"] = fields{"approve": false, "reason": "They will sell more"}
	h.bodies["POST /operator/payouts/{payout}/approval"] = fields{"approve": true}
	h.bodies["PUT /operator/payout_settings"] = settings
	h.private = append(h.private, secretTaxID, secretAccount, otherAccount, "Hidden Name", "Hidden Holder", "9 Hidden Way")
}

// differ makes provider and books differ, as no honest shop can: a charge that no order knows.
func (h *house) differ() error {
	d, err := db.Open(h.ctx, db.Options{URL: h.database, Dir: h.program.Data, Clock: clock.System{}})
	if err != nil {
		return err
	}
	return errors.Join(d.Write(h.ctx, func(tx *db.Tx) error {
		// And a debt in a currency of its own, of which some is proposed to be given up.
		off := id.WriteOff("").Next(tx.Now())
		h.values["/operator/write_offs/{write_off}"] = string(off)
		if _, err := ledger.Post(tx, ledger.Transfer{Key: "refund:rfd_lost:shipping", Kind: ledger.KindRefund, Currency: "EUR",
			Legs: []ledger.Leg{ledger.Debit(ledger.BrandOwes(id.Brand(h.brand)), 100_00), ledger.Credit(ledger.RefundsPayable("sandbox"), 100_00)}}); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO write_offs (id, owner, currency, amount_minor, reason, approvals, made_by, created_at, state) VALUES ($1, $2, 'EUR', 5000, 'They have gone away', 1, 'acc_x', 1, 'waiting')`, string(off), h.brand); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO differences (provider, subject, currency, provider_minor, book_minor, found_at, seen_at) VALUES ('sandbox', 'charge:pay_lost', 'USD', 700, 0, 1, 1)`)
		return err
	}), d.Close())
}

func askAs(h *house, q call) answer { return ask(h.t, h.operator, q) }

// keyed makes something under an Idempotency-Key of its own and returns its id.
func (h *house) keyed(c client.Client, path string, body any) string {
	h.t.Helper()
	h.keys++
	a := ask(h.t, c, call{method: http.MethodPost, path: "/api/v1" + path, body: encode(h.t, body), header: map[string]string{"Idempotency-Key": "house " + strconv.Itoa(h.keys)}})
	if a.status != http.StatusCreated {
		h.t.Fatalf("POST %s: %d %s", path, a.status, a.body)
	}
	return idIn(h.t, a.body)
}

func idIn(t testing.TB, body []byte) string {
	t.Helper()
	var made client.ID
	if err := json.Unmarshal(body, &made); err != nil || made.ID == "" {
		t.Fatalf("no id in %s: %v", body, err)
	}
	return made.ID
}
