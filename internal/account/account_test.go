package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

const password = "correct horse"

// house is the accounts of one database, with shorthands that fail the test.
type house struct {
	*account.Accounts
	t     testing.TB
	d     *db.DB
	clock *clock.Turned
}

func open(t testing.TB, d *db.DB, c *clock.Turned) *house {
	t.Helper()
	keys, err := account.LoadKeys(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return &house{account.New(d, keys, account.Options{Passwords: account.Cheap}), t, d, c}
}

func each(t *testing.T, f func(t *testing.T, h *house)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) { f(t, open(t, d, c)) })
}

// person signs somebody up and returns who they are when they come back, with their secret.
func (h *house) person(name string) (account.Asker, string) {
	h.t.Helper()
	h.clock.Advance(time.Millisecond) // ids order people by it
	in, err := h.SignUp(context.Background(), account.Asker{}, account.NewAccount{Email: name + "@example.com", Password: password, DisplayName: name})
	if err != nil {
		h.t.Fatal(err)
	}
	return h.who(in.Token), in.Token
}

func (h *house) who(secret string) account.Asker {
	h.t.Helper()
	who, err := h.Authenticate(context.Background(), secret)
	if err != nil {
		h.t.Fatal(err)
	}
	return who
}

func (h *house) brand(owner account.Asker, secret string) (id.Brand, account.Asker) {
	h.t.Helper()
	b, err := h.CreateBrand(context.Background(), owner, account.NewBrand{Name: "Nord & Söhne", Country: "de", Currency: "eur"})
	if err != nil {
		h.t.Fatal(err)
	}
	return b.ID, h.who(secret)
}

func wantKind(t testing.TB, err error, kind fault.Kind) {
	t.Helper()
	if fault.KindOf(err) != kind {
		t.Fatalf("got %v, want %s", err, kind)
	}
}

// facts returns the bodies of the outbox by topic.
func (h *house) facts(topic string) []string {
	h.t.Helper()
	var out []string
	err := h.d.Read(context.Background(), func(tx *db.Tx) error {
		out = nil
		rows, err := tx.Query(`SELECT body FROM outbox WHERE topic = $1 ORDER BY id`, topic)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var body string
			if err := rows.Scan(&body); err != nil {
				return err
			}
			out = append(out, body)
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func TestSessions(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		if ada.Account == "" || ada.Scopes != nil || ada.Session == "" || ada.Name != "ada" {
			t.Fatalf("who is %+v", ada)
		}
		_, err := h.SignUp(ctx, account.Asker{}, account.NewAccount{Email: "ADA@Example.com", Password: password, DisplayName: "x"})
		wantKind(t, err, fault.Conflict)
		in, err := h.SignIn(ctx, account.Asker{}, " Ada@example.com", password)
		if err != nil || in.Account.ID != ada.Account || in.Token == secret {
			t.Fatalf("sign in: %+v, %v", in, err)
		}
		_, wrong := h.SignIn(ctx, account.Asker{}, "ada@example.com", "wrong horse")
		_, unknown := h.SignIn(ctx, account.Asker{}, "nobody@example.com", password)
		wantKind(t, wrong, fault.Unauthorized)
		if unknown == nil || wrong.Error() != unknown.Error() {
			t.Errorf("told apart: %v, %v", wrong, unknown)
		}
		if err := h.SignOut(ctx, ada); err != nil {
			t.Fatal(err)
		}
		_, err = h.Authenticate(ctx, secret)
		wantKind(t, err, fault.Unauthorized)
		h.who(in.Token)
		h.clock.Advance(account.SessionLife - time.Second)
		h.who(in.Token)
		h.clock.Advance(time.Second)
		_, err = h.Authenticate(ctx, in.Token)
		wantKind(t, err, fault.Unauthorized)
		for _, bad := range []string{"", "mzs_", "mzo_" + secret[4:], "mzs_" + strings.Repeat("A", 43), strings.Repeat("x", 1<<16)} {
			_, err = h.Authenticate(ctx, bad)
			wantKind(t, err, fault.Unauthorized)
		}
	})
}

// What an authentication is built from is changed through these accounts: it is seen at once.
// Changed on another node of a cluster: within the named time.
func TestAuthenticateForgets(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		bob, bobSecret := h.person("bob")
		brand, ada := h.brand(ada, secret)
		if ada.Brands[brand] != account.Owner {
			t.Fatalf("owner is not seen: %v", ada.Brands)
		}
		if _, err := h.PutMember(ctx, ada, brand, "bob@example.com", account.Staff); err != nil {
			t.Fatal(err)
		}
		if h.who(bobSecret).Brands[brand] != account.Staff {
			t.Error("staff is not seen")
		}
		if err := h.RemoveMember(ctx, ada, brand, bob.Account); err != nil {
			t.Fatal(err)
		}
		if h.who(bobSecret).Member(brand) {
			t.Error("who was removed is still a member")
		}
		set := func(standing account.Standing) {
			t.Helper()
			err := h.d.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE accounts SET standing = $2, standing_reason = 'spam' WHERE id = $1`, bob.Account, standing)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		set(account.Removed)
		h.Forget(bob.Account)
		_, err := h.Authenticate(ctx, bobSecret)
		wantKind(t, err, fault.Unauthorized)
		_, err = h.SignIn(ctx, account.Asker{}, "bob@example.com", password)
		wantKind(t, err, fault.Forbidden)
		if !strings.Contains(err.Error(), "spam") {
			t.Errorf("the reason is kept from them: %v", err)
		}
		set(account.Visible)
		h.who(bobSecret)
		set(account.Removed) // as another node would
		h.clock.Advance(account.SharedCacheLife)
		_, err = h.Authenticate(ctx, bobSecret)
		if h.d.Engine() == db.Postgres {
			wantKind(t, err, fault.Unauthorized)
		}
	})
}

// Two owners who leave at once leave one.
func TestCreator(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		bob, _ := h.person("bob")
		c, err := h.PutCreator(ctx, ada, 0, account.NewCreator{Handle: "@Ada.Knits", DisplayName: "Ada", Categories: []string{"craft"}})
		if err != nil || c.Handle != "ada.knits" {
			t.Fatalf("%+v, %v", c, err)
		}
		if who := h.who(secret); who.Creator != c.ID || who.IsCreator() != nil {
			t.Errorf("%+v", who)
		}
		_, err = h.PutCreator(ctx, bob, 0, account.NewCreator{Handle: "ADA.knits", DisplayName: "Bob"})
		wantKind(t, err, fault.Conflict)
		if !strings.Contains(err.Error(), "ada.knits") {
			t.Errorf("the handle is not named: %v", err)
		}
		again, err := h.PutCreator(ctx, ada, c.Version, account.NewCreator{Handle: "ada", DisplayName: "Ada K."})
		if err != nil || again.ID != c.ID || again.Version != c.Version+1 || again.Handle != "ada" {
			t.Fatalf("%+v, %v", again, err)
		}
		_, err = h.PutCreator(ctx, ada, c.Version, account.NewCreator{Handle: "ada", DisplayName: "x"})
		wantKind(t, err, fault.Stale)
		if got, err := h.CreatorByHandle(ctx, "@ADA"); err != nil || got.ID != c.ID {
			t.Errorf("%+v, %v", got, err)
		}
		for _, handle := range []string{"", "a", "mezzo", "-ada", "ada.", "a..b", "a b", "ädä", strings.Repeat("x", 31), "left-crt", "a/b", "\x00\x00"} {
			_, err := h.PutCreator(ctx, bob, 0, account.NewCreator{Handle: handle, DisplayName: "x"})
			wantKind(t, err, fault.Invalid)
		}
		err = h.d.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE accounts SET standing = 'removed' WHERE id = $1`, ada.Account)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.CreatorByHandle(ctx, "ada")
		wantKind(t, err, fault.Missing)
	})
}

func TestViewers(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		v, token := h.MintViewer()
		if got, err := h.OpenViewer(token); err != nil || got != v {
			t.Fatalf("%s, %v", got, err)
		}
		other, _ := h.MintViewer()
		for _, bad := range []string{"", "x", string(v), string(other) + token[strings.Index(token, "."):], token[:len(token)-1], token + "A"} {
			_, err := h.OpenViewer(bad)
			wantKind(t, err, fault.Unauthorized)
		}
		// Joined at sign-up; a shared computer's next person does not take it over.
		in, err := h.SignUp(ctx, account.Asker{Viewer: v}, account.NewAccount{Email: "ada@example.com", Password: password, DisplayName: "Ada"})
		if err != nil || in.Viewer != v {
			t.Fatalf("%+v, %v", in, err)
		}
		bob, err := h.SignUp(ctx, account.Asker{Viewer: v}, account.NewAccount{Email: "bob@example.com", Password: password, DisplayName: "Bob"})
		if err != nil || bob.Viewer == v || bob.Viewer == "" {
			t.Fatalf("%+v, %v", bob, err)
		}
		if got, err := h.Join(ctx, other, in.Account.ID); err != nil || got != other {
			t.Fatalf("%s, %v", got, err)
		}
		if got, err := h.Join(ctx, other, bob.Account.ID); err != nil || got != bob.Viewer {
			t.Fatalf("borrowed: %s, %v", got, err)
		}
		var facts []event.ViewerJoined
		for _, body := range h.facts(event.TopicViewerJoined) {
			if strings.Contains(body, "acc_") {
				t.Errorf("the account is in the log: %s", body)
			}
			var f event.ViewerJoined
			if err := json.Unmarshal([]byte(body), &f); err != nil {
				t.Fatal(err)
			}
			facts = append(facts, f)
		}
		want := fmt.Sprint([]event.ViewerJoined{{Viewer: v, Into: v}, {Viewer: bob.Viewer, Into: bob.Viewer}, {Viewer: other, Into: v}})
		if fmt.Sprint(facts) != want {
			t.Errorf("facts %v, want %s", facts, want)
		}
		h.clock.Advance(account.ViewerLife + time.Second)
		_, err = h.OpenViewer(token)
		wantKind(t, err, fault.Unauthorized)
	})
}

func TestErase(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		viewer := h.viewersOf(ada.Account)
		if _, err := h.PutCreator(ctx, ada, 0, account.NewCreator{Handle: "ada", DisplayName: "Ada Lovelace", Bio: "knits"}); err != nil {
			t.Fatal(err)
		}
		token, err := h.CreateToken(ctx, ada, "", "mine", []account.Scope{account.MoneyRead})
		if err != nil {
			t.Fatal(err)
		}
		h.OnErase(func(tx *db.Tx, person id.Account) error { return tx.Emit("test.erased", person) })
		h.OnExport("orders", func(tx *db.Tx, person id.Account) (any, error) { return []string{"one"}, nil })
		all, err := h.Export(ctx, ada)
		if err != nil || all["orders"] == nil || all["account"].(account.Me).Email != "ada@example.com" {
			t.Fatalf("%v, %v", all, err)
		}
		if err := h.Erase(ctx, ada); err != nil {
			t.Fatal(err)
		}
		for _, s := range []string{secret, token.Secret} {
			_, err := h.Authenticate(ctx, s)
			wantKind(t, err, fault.Unauthorized)
		}
		_, err = h.SignIn(ctx, account.Asker{}, "ada@example.com", password)
		wantKind(t, err, fault.Unauthorized)
		_, err = h.CreatorByHandle(ctx, "ada")
		wantKind(t, err, fault.Missing)
		if len(h.viewersOf(ada.Account)) != 0 {
			t.Error("a link to a viewer is left")
		}
		if got := h.facts(event.TopicViewerErased); len(got) != 1 || !strings.Contains(got[0], string(viewer[0])) {
			t.Errorf("facts %v", got)
		}
		for _, topic := range []string{event.TopicAccountCreated, event.TopicCreatorCreated, event.TopicAccountErased} {
			if got := h.facts(topic); len(got) != 1 || strings.Contains(got[0], "Lovelace") || strings.Contains(got[0], `"ada"`) {
				t.Errorf("%s: %v", topic, got)
			}
		}
		if len(h.facts("test.erased")) != 1 {
			t.Error("the other room's eraser did not run")
		}
		for _, table := range []string{"accounts", "creators", "tokens"} {
			h.noTrace(table, "ada", "Lovelace", "knits")
		}
		// The address is free again.
		if _, secret := h.person("ada"); h.who(secret).Account == ada.Account {
			t.Error("the erased came back")
		}
	})
}

func (h *house) viewersOf(person id.Account) (out []id.Viewer) {
	h.t.Helper()
	out, err := db.Get(context.Background(), h.d, func(tx *db.Tx) ([]id.Viewer, error) { return account.Viewers(tx, person) })
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// noTrace looks for words in every text column of a table.
func (h *house) noTrace(table string, words ...string) {
	h.t.Helper()
	err := h.d.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT * FROM ` + table)
		if err != nil {
			return err
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		for rows.Next() {
			cells := make([]any, len(names))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				return err
			}
			for i, cell := range cells {
				for _, w := range words {
					if strings.Contains(fmt.Sprint(*cell.(*any)), w) {
						h.t.Errorf("%s.%s still holds %q", table, names[i], w)
					}
				}
			}
		}
		return rows.Err()
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestUpdateMe(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		ada, secret := h.person("ada")
		h.person("bob")
		second, err := h.SignIn(ctx, account.Asker{}, "ada@example.com", password)
		if err != nil {
			t.Fatal(err)
		}
		name, adult := "Ada L.", true
		me, err := h.UpdateMe(ctx, ada, 1, account.Change{DisplayName: &name, Over18: &adult})
		if err != nil || me.DisplayName != name || !me.Over18 || me.Version != 2 || !h.who(secret).Over18 {
			t.Fatalf("%+v, %v", me, err)
		}
		_, err = h.UpdateMe(ctx, ada, 1, account.Change{DisplayName: &name})
		wantKind(t, err, fault.Stale)
		fresh, mail := "battery staple", "bob@example.com"
		_, err = h.UpdateMe(ctx, ada, 0, account.Change{Password: &fresh, OldPassword: "guess"})
		wantKind(t, err, fault.Forbidden)
		_, err = h.UpdateMe(ctx, ada, 0, account.Change{Email: &mail, OldPassword: password})
		wantKind(t, err, fault.Invalid)
		if _, err = h.UpdateMe(ctx, ada, 0, account.Change{Password: &fresh, OldPassword: password}); err != nil {
			t.Fatal(err)
		}
		h.who(secret)
		_, err = h.Authenticate(ctx, second.Token)
		wantKind(t, err, fault.Unauthorized)
		if _, err = h.SignIn(ctx, account.Asker{}, "ada@example.com", fresh); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOperator(t *testing.T) {
	ctx := context.Background()
	each(t, func(t *testing.T, h *house) {
		mallory, secret := h.person("boss") // took the operator's address before the operator came
		if err := h.EnsureOperator(ctx, "boss@example.com", "operator's own"); err != nil {
			t.Fatal(err)
		}
		_, err := h.Authenticate(ctx, secret)
		wantKind(t, err, fault.Unauthorized)
		_, err = h.SignIn(ctx, account.Asker{}, "boss@example.com", password)
		wantKind(t, err, fault.Unauthorized)
		in, err := h.SignIn(ctx, account.Asker{}, "boss@example.com", "operator's own")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.EnsureOperator(ctx, "boss@example.com", "another password"); err != nil {
			t.Fatal(err)
		}
		boss := h.who(in.Token)
		if !boss.Operator {
			t.Fatalf("%+v", boss)
		}
		for i := range 5 {
			h.person(fmt.Sprintf("p%d_x", i))
		}
		all, err := h.People(ctx, boss, "", "", 3)
		if err != nil || len(all) != 3 || all[0].Email != "p4_x@example.com" {
			t.Fatalf("%+v, %v", all, err)
		}
		rest, err := h.People(ctx, boss, "", all[2].ID, 100)
		if err != nil || len(rest) != 3 || rest[2].ID != mallory.Account {
			t.Fatalf("%+v, %v", rest, err)
		}
		for q, n := range map[string]int{"P3_": 1, "_x@": 5, "%": 0, "boss": 1, `\`: 0, "nobody": 0} {
			if found, err := h.People(ctx, boss, q, "", 100); err != nil || len(found) != n {
				t.Errorf("%q finds %d, %v", q, len(found), err)
			}
		}
		_, other := h.person("ada")
		_, err = h.People(ctx, h.who(other), "", "", 10)
		wantKind(t, err, fault.Missing)
		if d, err := h.Person(ctx, boss, mallory.Account); err != nil || d.History == nil {
			t.Errorf("%+v, %v", d, err)
		}
		wantKind(t, h.Erase(ctx, boss), fault.Conflict)
	})
}
