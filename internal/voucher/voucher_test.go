package voucher_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
	"mezzo/internal/voucher"
)

const brand id.Brand = "brd_pan"

func house(t *testing.T, d *db.DB) (*voucher.Vouchers, account.Asker, account.Asker) {
	t.Helper()
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		for _, q := range []string{
			`INSERT INTO brands(id, name, slug, country, currency, created_at) VALUES ('brd_pan','Pan','pan','US','USD',0)`,
			`INSERT INTO brands(id, name, slug, country, currency, created_at) VALUES ('brd_other','Other','other','US','USD',0)`,
			`INSERT INTO accounts(id, email, email_key, display_name, password_hash, created_at) VALUES ('acc_m','m@example.com','m@example.com','Marisol','',0)`,
			`INSERT INTO creators(id, account_id, handle, display_name, created_at) VALUES ('crt_m','acc_m','marisol','Marisol',0)`,
			`INSERT INTO products(id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ('prd_pan','brd_pan','Pan','','kitchen','USD',0,0)`,
			`INSERT INTO products(id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ('prd_other','brd_other','Pan','','kitchen','USD',0,0)`,
		} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return voucher.Open(d), account.Asker{Account: "acc_p", Brands: map[id.Brand]account.Role{brand: account.Owner}}, account.Asker{Account: "acc_o", Operator: true}
}

func usd(minor int64) *money.Amount {
	a := money.Of(minor, "USD")
	return &a
}

func TestWhatNoVoucherCanBe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		r, member, operator := house(t, d)
		good := voucher.New{Code: "Ten-2026", Title: "Ten off", Kind: voucher.Percent, Rate: 1000, Currency: "USD"}
		beyond := time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)) // JSON reads it, and cannot write it in UTC
		for what, in := range map[string]struct {
			field  string
			change func(*voucher.New)
		}{
			"no code":              {"body.code", func(n *voucher.New) { n.Code = "" }},
			"short code":           {"body.code", func(n *voucher.New) { n.Code = "AB" }},
			"long code":            {"body.code", func(n *voucher.New) { n.Code = strings.Repeat("A", 33) }},
			"code with a space":    {"body.code", func(n *voucher.New) { n.Code = "A B C" }},
			"code with a nul":      {"body.code", func(n *voucher.New) { n.Code = "ABC\x00" }},
			"code of other glyphs": {"body.code", func(n *voucher.New) { n.Code = "ＳＡＬＥ" }},
			"no title":             {"body.title", func(n *voucher.New) { n.Title = " " }},
			"long title":           {"body.title", func(n *voucher.New) { n.Title = strings.Repeat("ä", 81) }},
			"title of two lines":   {"body.title", func(n *voucher.New) { n.Title = "a\nb" }},
			"no kind":              {"body.kind", func(n *voucher.New) { n.Kind = "" }},
			"no percent":           {"body.percent_bps", func(n *voucher.New) { n.Rate = 0 }},
			"negative percent":     {"body.percent_bps", func(n *voucher.New) { n.Rate = -1 }},
			"more than all":        {"body.percent_bps", func(n *voucher.New) { n.Rate = 10_001 }},
			"percent and amount":   {"body.amount", func(n *voucher.New) { n.Off = usd(100) }},
			"fixed without amount": {"body.amount", func(n *voucher.New) { n.Kind, n.Rate = voucher.Fixed, 0 }},
			"fixed of nothing":     {"body.amount", func(n *voucher.New) { n.Kind, n.Rate, n.Off = voucher.Fixed, 0, usd(0) }},
			"fixed of less":        {"body.amount", func(n *voucher.New) { n.Kind, n.Rate, n.Off = voucher.Fixed, 0, usd(-100) }},
			"fixed beyond money":   {"body.amount", func(n *voucher.New) { n.Kind, n.Rate, n.Off = voucher.Fixed, 0, usd(money.Max+1) }},
			"another currency":     {"body.max_discount", func(n *voucher.New) { a := money.Of(5, "EUR"); n.Most = &a }},
			"no least":             {"body.min_basket", func(n *voucher.New) { n.Least = usd(0) }},
			"negative uses":        {"body.total_uses", func(n *voucher.New) { n.Total = -1 }},
			"negative per person":  {"body.uses_per_person", func(n *voucher.New) { n.PerPerson = -1 }},
			"ends before it":       {"body.ends_at", func(n *voucher.New) { n.EndsAt = c.Now().Add(-time.Hour) }},
			"ends as it starts":    {"body.ends_at", func(n *voucher.New) { n.StartsAt = c.Now().Add(time.Hour); n.EndsAt = n.StartsAt }},
			"ends beyond dates":    {"body.ends_at", func(n *voucher.New) { n.EndsAt = beyond }},
			"starts beyond dates":  {"body.starts_at", func(n *voucher.New) { n.StartsAt = beyond }},
			"another's product":    {"body.product_ids", func(n *voucher.New) { n.Products = []id.Product{"prd_other"} }},
			"no product":           {"body.product_ids", func(n *voucher.New) { n.Products = []id.Product{"prd_none", "prd_pan"} }},
			"too many products":    {"body.product_ids", func(n *voucher.New) { n.Products = make([]id.Product, voucher.MaxProducts+1) }},
			"nobody's code":        {"body.creator_handle", func(n *voucher.New) { n.Handle = "@nobody" }},
		} {
			bad := good
			in.change(&bad)
			_, err := r.Create(context.Background(), member, brand, bad)
			var f *fault.Fault
			ok := errors.As(err, &f)
			if !ok || f.Kind != fault.Invalid || len(f.Fields) == 0 || f.Fields[0].Location != in.field {
				t.Errorf("%s: %v", what, err)
			}
		}
		v, err := r.Create(context.Background(), member, brand, good)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Change(context.Background(), member, brand, v.ID, 0, voucher.Change{EndsAt: &beyond}); !fault.Is(err, fault.Invalid) {
			t.Errorf("changed to end beyond all dates: %v", err)
		}
		noCurrency := good
		noCurrency.Currency = ""
		if _, err := r.Create(context.Background(), operator, voucher.Platform, noCurrency); !fault.Is(err, fault.Invalid) {
			t.Errorf("no currency: %v", err)
		}
	})
}

func TestLifeOfAVoucher(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		r, member, operator := house(t, d)
		in := voucher.New{Code: "Ten", Title: "Ten off", Kind: voucher.Percent, Rate: 1000, Products: []id.Product{"prd_pan", "prd_pan"}, Handle: "@Marisol", Total: 5}
		v, err := r.Create(ctx, member, brand, in)
		if err != nil || v.Creator != "crt_m" || v.Handle != "marisol" || len(v.Products) != 1 || v.State != "running" {
			t.Fatalf("%+v %v", v, err)
		}
		in.Code = "tEN"
		if _, err := r.Create(ctx, member, brand, in); !fault.Is(err, fault.Conflict) {
			t.Errorf("the same code again: %v", err)
		}
		in.Currency, in.Products = "USD", nil
		if _, err := r.Create(ctx, operator, voucher.Platform, in); err != nil {
			t.Errorf("the same code of another: %v", err)
		}
		if mine, err := r.Mine(ctx, account.Asker{Account: "acc_m", Creator: "crt_m"}, "", 10); err != nil || len(mine) != 2 {
			t.Errorf("the creator's own: %+v %v", mine, err)
		}
		for what, err := range map[string]error{
			"a stranger":            second(r.List(ctx, account.Asker{Account: "acc_x"}, brand, "", 10)),
			"a brand's platform":    second(r.List(ctx, member, voucher.Platform, "", 10)),
			"another brand's":       second(r.Create(ctx, member, "brd_other", in)),
			"by another giver":      second(r.Change(ctx, operator, voucher.Platform, v.ID, 0, voucher.Change{End: true})),
			"of nobody":             second(r.Voucher(ctx, member, brand, "vch_none")),
			"someone without codes": second(r.Mine(ctx, account.Asker{Account: "acc_x", Creator: ""}, "", 10)),
		} {
			if !fault.Is(err, fault.Missing) && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
		more := int64(7)
		if _, err := r.Change(ctx, member, brand, v.ID, 9, voucher.Change{Total: &more}); !fault.Is(err, fault.Stale) {
			t.Errorf("an old version: %v", err)
		}
		once := int64(1)
		if _, err := r.Change(ctx, member, brand, v.ID, 0, voucher.Change{PerPerson: &once}); !fault.Is(err, fault.Invalid) {
			t.Errorf("counting people afterwards: %v", err)
		}
		if v, err = r.Change(ctx, member, brand, v.ID, v.Version, voucher.Change{Total: &more}); err != nil || v.Total != 7 || v.Version != 2 {
			t.Errorf("%+v %v", v, err)
		}
		if v, err = r.Change(ctx, member, brand, v.ID, 0, voucher.Change{End: true}); err != nil || v.State != "ended" {
			t.Errorf("%+v %v", v, err)
		}
		if _, err = r.Change(ctx, member, brand, v.ID, 0, voucher.Change{Total: &more}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a change after its end: %v", err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestOnlySoManyForEverybody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, _ *clock.Turned) {
		ctx := context.Background()
		r, member, _ := house(t, d)
		in := voucher.New{Title: "Off", Kind: voucher.Fixed, Off: usd(100), Listed: true}
		for i := range voucher.MaxListed {
			in.Code = "CODE" + string(rune('A'+i))
			if _, err := r.Create(ctx, member, brand, in); err != nil {
				t.Fatal(err)
			}
		}
		in.Code = "ONE-MORE"
		if _, err := r.Create(ctx, member, brand, in); !fault.Is(err, fault.Conflict) {
			t.Errorf("one more for everybody: %v", err)
		}
		in.Listed = false
		v, err := r.Create(ctx, member, brand, in)
		listed := true
		if err == nil {
			_, err = r.Change(ctx, member, brand, v.ID, 0, voucher.Change{Listed: &listed})
		}
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("listed afterwards: %v", err)
		}
	})
}
