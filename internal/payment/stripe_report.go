package payment

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"mezzo/internal/money"
)

// balanceLine is one movement of Stripe's balance, with what caused it.
type balanceLine struct {
	ID       string
	Type     string
	Category string `json:"reporting_category"`
	Amount   int64
	Fee      int64
	Currency string
	Created  int64
	Source   *struct {
		ID       string
		Object   string
		Metadata map[string]string `json:"metadata"`
		Intent   link              `json:"payment_intent"`
		Refund   link              `json:"refund"`
		Transfer link              `json:"transfer"`
	}
}

// Balance returns what Stripe holds for the platform by currency: what can be moved and what cannot yet.
func (s *Stripe) Balance(ctx context.Context) (map[money.Currency]int64, error) {
	type part struct {
		Amount   int64
		Currency string
	}
	var got struct{ Available, Pending []part }
	if err := s.get(ctx, "/v1/balance", form{}, &got); err != nil {
		return nil, unknown(err)
	}
	sums := map[money.Currency]int64{}
	for _, p := range append(got.Available, got.Pending...) {
		a := fromStripe(p.Amount, p.Currency)
		sums[a.Currency] += a.Minor
	}
	return sums, nil
}

// Movements returns the report of a time: from inclusive, to exclusive. A fee that Stripe kept of a movement is a
// movement of its own.
func (s *Stripe) Movements(ctx context.Context, from, to time.Time) ([]Movement, error) {
	list := []Movement{}
	in := newForm("expand[0]", "data.source").number("created[gte]", max(from.Unix(), 0)).number("created[lt]", ceil(to))
	err := each(ctx, s, "/v1/balance_transactions", in, func(l balanceLine) (string, bool) {
		list = append(list, l.movements()...)
		return l.ID, false
	})
	return list, err
}

func ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// movements tells a line as the contract of reports does.
func (l balanceLine) movements() []Movement {
	m := Movement{Key: l.ID, Kind: "other", Ref: l.ID, Amount: fromStripe(l.Amount, l.Currency), At: time.Unix(l.Created, 0).UTC()}
	meta := map[string]string{}
	if l.Source != nil {
		meta = l.Source.Metadata
	}
	known := func(kind, key string) {
		m.Kind = kind
		if key != "" {
			m.Key = key
		}
	}
	switch l.Type {
	case "charge", "payment":
		known("charge", meta["mezzo_payment"])
	case "refund", "payment_refund":
		known("refund", meta["mezzo_refund"])
	case "refund_failure", "payment_failure_refund", "payment_refund_failure":
		known("refund_failed", meta["mezzo_refund"])
	case "transfer":
		known("payout", meta["mezzo_payout"])
	case "transfer_refund", "transfer_cancel", "transfer_failure":
		known("payout_return", meta["mezzo_payout"])
	case "payout", "payout_cancel", "payout_failure":
		m.Kind = "settlement"
	case "stripe_fee", "application_fee", "stripe_fx_fee", "tax_fee":
		m.Kind = "fee"
	case "adjustment":
		if l.Source != nil && l.Source.Object == "dispute" {
			known("dispute", l.Source.ID)
		}
	}
	out := []Movement{m}
	if l.Fee != 0 {
		kind := "fee"
		if m.Kind == "dispute" {
			kind = "dispute_fee"
		}
		fee := Movement{Key: l.ID, Kind: kind, Ref: l.ID, Amount: fromStripe(-l.Fee, l.Currency), At: m.At}
		if kind == "dispute_fee" {
			fee.Key = m.Key
		}
		out = append(out, fee)
	}
	return out
}

// UnmarshalJSON reads a line whose source is given whole, by its name alone, or not at all.
func (l *balanceLine) UnmarshalJSON(b []byte) error {
	type plain balanceLine
	var whole struct {
		plain
		Source json.RawMessage
	}
	if err := json.Unmarshal(b, &whole); err != nil {
		return err
	}
	*l = balanceLine(whole.plain)
	if text := strings.TrimSpace(string(whole.Source)); strings.HasPrefix(text, "{") {
		if err := json.Unmarshal(whole.Source, &l.Source); err != nil {
			return errors.Join(errors.New("the source of a movement cannot be read"), err)
		}
	}
	return nil
}
