package account_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
)

func TestTokens(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		_, bobSecret := h.person("bob")
		brand, ada := h.brand(ada, secret)
		if _, err := h.PutMember(ctx, ada, brand, "bob@example.com", account.Owner); err != nil {
			t.Fatal(err)
		}
		bob := h.who(bobSecret)
		made, err := h.CreateToken(ctx, bob, brand, "stock sync", []account.Scope{account.CatalogWrite, account.CatalogRead, account.CatalogWrite})
		if err != nil || len(made.Scopes) != 2 || !strings.HasPrefix(made.Secret, "mzo_") {
			t.Fatalf("%+v, %v", made, err)
		}
		who := h.who(made.Secret)
		if who.OfBrand(brand, account.CatalogWrite) != nil || !fault.Is(who.OfBrand(brand, account.MoneyRead), fault.Forbidden) || who.IsOwner(brand) || who.Account != "" {
			t.Errorf("a brand's token is %+v", who)
		}
		if who.Actor() != string(made.ID) {
			t.Errorf("acts as %s", who.Actor())
		}
		// It outlives who made it.
		if err := h.RemoveMember(ctx, ada, brand, bob.Account); err != nil {
			t.Fatal(err)
		}
		if err := h.Erase(ctx, h.who(bobSecret)); err != nil {
			t.Fatal(err)
		}
		if h.who(made.Secret).OfBrand(brand, account.CatalogRead) != nil {
			t.Error("the brand's token died with its maker")
		}
		list, err := h.Tokens(ctx, ada, brand)
		if err != nil || len(list) != 1 || list[0].Secret != "" || list[0].Name != "stock sync" {
			t.Errorf("%+v, %v", list, err)
		}
		wantKind(t, h.RevokeToken(ctx, ada, "", made.ID), fault.Missing)
		if err := h.RevokeToken(ctx, ada, brand, made.ID); err != nil {
			t.Fatal(err)
		}
		_, err = h.Authenticate(ctx, made.Secret)
		wantKind(t, err, fault.Unauthorized)

		mine, err := h.CreateToken(ctx, ada, "", "mine", []account.Scope{account.OrdersRead})
		if err != nil {
			t.Fatal(err)
		}
		me := h.who(mine.Secret)
		if me.Account != ada.Account || me.OfBrand(brand, account.OrdersRead) != nil || me.IsOwner(brand) {
			t.Errorf("a person's token is %+v", me)
		}
		_, err = h.CreateToken(ctx, me, "", "more", []account.Scope{account.MoneyRead})
		wantKind(t, err, fault.Forbidden)
		_, err = h.CreateToken(ctx, me, brand, "more", []account.Scope{account.MoneyRead})
		wantKind(t, err, fault.Forbidden)
		for _, scopes := range [][]account.Scope{nil, {"everything"}, {account.MoneyRead, "x"}} {
			_, err = h.CreateToken(ctx, ada, "", "x", scopes)
			wantKind(t, err, fault.Invalid)
		}
		var kept int
		err = h.d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT COUNT(*) FROM tokens WHERE secret_hash LIKE $1 OR secret_hash LIKE 'mz%'`, "%"+mine.Secret+"%").Scan(&kept)
		})
		if err != nil || kept != 0 {
			t.Errorf("a secret is kept as it is: %d, %v", kept, err)
		}
	})
}

func TestWriteKeys(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		brand, ada := h.brand(ada, secret)
		key, err := h.CreateWriteKey(ctx, ada, brand, "shop")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			got, of, err := h.OpenWriteKey(ctx, key.Secret)
			if err != nil || got != key.ID || of != brand {
				t.Fatalf("%s %s %v", got, of, err)
			}
		}
		_, err = h.Authenticate(ctx, key.Secret)
		wantKind(t, err, fault.Unauthorized)
		_, _, err = h.OpenWriteKey(ctx, secret)
		wantKind(t, err, fault.Unauthorized)
		if err := h.RevokeWriteKey(ctx, ada, brand, key.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err = h.OpenWriteKey(ctx, key.Secret)
		wantKind(t, err, fault.Unauthorized)
	})
}

func TestMembers(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		_, bobSecret := h.person("bob")
		eve, _ := h.person("eve")
		brand, ada := h.brand(ada, secret)
		wantKind(t, h.RemoveMember(ctx, ada, brand, ada.Account), fault.Conflict)
		_, err := h.PutMember(ctx, ada, brand, "ada@example.com", account.Staff)
		wantKind(t, err, fault.Conflict)
		wantKind(t, h.Erase(ctx, ada), fault.Conflict)
		_, err = h.PutMember(ctx, ada, brand, "nobody@example.com", account.Staff)
		wantKind(t, err, fault.Invalid)
		if _, err := h.PutMember(ctx, ada, brand, "bob@example.com", account.Staff); err != nil {
			t.Fatal(err)
		}
		bob := h.who(bobSecret)
		_, err = h.PutMember(ctx, bob, brand, "eve@example.com", account.Owner)
		wantKind(t, err, fault.Forbidden)
		wantKind(t, h.RemoveMember(ctx, bob, brand, ada.Account), fault.Forbidden)
		_, err = h.PutMember(ctx, eve, brand, "eve@example.com", account.Owner)
		wantKind(t, err, fault.Missing)
		_, err = h.Members(ctx, eve, brand)
		wantKind(t, err, fault.Missing)
		_, err = h.UpdateBrand(ctx, eve, brand, 0, account.BrandChange{})
		wantKind(t, err, fault.Missing)
		_, err = h.Tokens(ctx, eve, brand)
		wantKind(t, err, fault.Missing)
		if list, err := h.Members(ctx, bob, brand); err != nil || len(list) != 2 {
			t.Errorf("%v, %v", list, err)
		}
		if err := h.RemoveMember(ctx, bob, brand, bob.Account); err != nil {
			t.Errorf("staff cannot leave: %v", err)
		}
	})
}

func TestLastOwnerRace(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		_, bobSecret := h.person("bob")
		brand, ada := h.brand(ada, secret)
		if _, err := h.PutMember(ctx, ada, brand, "bob@example.com", account.Owner); err != nil {
			t.Fatal(err)
		}
		bob := h.who(bobSecret)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, who := range []account.Asker{ada, bob} {
			wg.Add(1)
			go func() {
				defer wg.Done()
				errs[i] = h.RemoveMember(ctx, who, brand, who.Account)
			}()
		}
		wg.Wait()
		var owners int
		err := h.d.Read(ctx, func(tx *db.Tx) error {
			return tx.Row(`SELECT COUNT(*) FROM brand_members WHERE brand_id = $1 AND role = 'owner'`, brand).Scan(&owners)
		})
		if err != nil || owners != 1 {
			t.Fatalf("%d owners, %v, %v", owners, errs, err)
		}
	})
}

func TestBrand(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		brand, ada := h.brand(ada, secret)
		b, err := h.Brand(ctx, brand)
		if err != nil || b.Country != "DE" || b.Currency != "EUR" || !strings.HasPrefix(b.Slug, "nord-s-hne-") {
			t.Fatalf("%+v, %v", b, err)
		}
		legal, mail := "Nord GmbH", "hello@nord.example"
		b2, err := h.UpdateBrand(ctx, ada, brand, b.Version, account.BrandChange{LegalName: &legal, ContactEmail: &mail})
		if err != nil || b2.LegalName != legal || b2.Name != b.Name || b2.Version != b.Version+1 {
			t.Fatalf("%+v, %v", b2, err)
		}
		_, err = h.UpdateBrand(ctx, ada, brand, b.Version, account.BrandChange{LegalName: &legal})
		wantKind(t, err, fault.Stale)
		for _, in := range []account.NewBrand{{Name: "", Country: "DE", Currency: "EUR"}, {Name: "x", Country: "Germany", Currency: "EUR"},
			{Name: "x", Country: "DE", Currency: "QQQ"}, {Name: "x\u202ey", Country: "DE", Currency: "EUR"}, {Name: "x", Country: "D1", Currency: "EUR"},
			{Name: "x", Country: "DE", Currency: "EUR", ContactEmail: "nowhere"}} {
			_, err := h.CreateBrand(ctx, ada, in)
			wantKind(t, err, fault.Invalid)
		}
		_, err = h.Brand(ctx, "brd_none")
		wantKind(t, err, fault.Missing)
	})
}
