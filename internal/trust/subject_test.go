package trust_test

import (
	"context"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/trust"
)

// ground is a person with a film, a product and a comment.
type ground struct {
	t        *testing.T
	d        *db.DB
	room     *trust.Trust
	operator account.Asker
	video    id.Video
	product  id.Product
	comment  id.Comment
}

func newGround(t *testing.T, d *db.DB, c *clock.Turned) *ground {
	g := &ground{t: t, d: d, room: trust.New(d, nil)}
	now := c.Now()
	at := db.Micros(now)
	var person, op id.Account
	var creator id.Creator
	var brand id.Brand
	var report id.Report
	person, op, creator, brand = person.Next(now), op.Next(now.Add(time.Millisecond)), creator.Next(now), brand.Next(now)
	g.video, g.product, g.comment = g.video.Next(now), g.product.Next(now), g.comment.Next(now)
	g.operator = account.Asker{Account: op, Operator: true}
	g.exec(`INSERT INTO accounts (id, email, email_key, display_name, password_hash, created_at) VALUES ($1, 'a@x.example', 'a@x.example', 'Ana', '', $3), ($2, 'o@x.example', 'o@x.example', 'Olga', '', $3)`, person, op, at)
	g.exec(`INSERT INTO creators (id, account_id, handle, display_name, created_at) VALUES ($1, $2, 'ana', 'Ana Films', $3)`, creator, person, at)
	g.exec(`INSERT INTO brands (id, name, slug, country, currency, created_at) VALUES ($1, 'Kiln', 'kiln', 'DE', 'EUR', $2)`, brand, at)
	g.exec(`INSERT INTO products (id, brand_id, title, description, category, currency, created_at, updated_at) VALUES ($1, $2, 'Cup 100%', '', 'home', 'EUR', $3, $3)`, g.product, brand, at)
	g.exec(`INSERT INTO videos (id, creator_id, account_id, caption, state, created_at) VALUES ($1, $2, $3, 'A Slow Morning', 'ready', $4)`, g.video, creator, person, at)
	g.exec(`INSERT INTO comments (id, video_id, account_id, text, created_at) VALUES ($1, $2, $3, 'Nice cup', $4)`, g.comment, g.video, person, at)
	g.exec(`INSERT INTO reports (id, subject_kind, subject_id, account_id, reason, created_at) VALUES ($1, 'video', $2, $3, 'no', $4)`, report.Next(now), g.video, person, at)
	return g
}

func (g *ground) exec(q string, args ...any) {
	g.t.Helper()
	for i, a := range args {
		if s, ok := a.(interface{ String() string }); ok {
			args[i] = s.String()
		}
	}
	if err := g.d.Write(context.Background(), func(tx *db.Tx) error { _, err := tx.Exec(q, args...); return err }); err != nil {
		g.t.Fatal(err)
	}
}

func (g *ground) look(s trust.Search) []trust.Subject {
	g.t.Helper()
	s.Limit = 10
	list, err := g.room.Subjects(context.Background(), g.operator, s)
	if err != nil {
		g.t.Fatalf("%+v: %v", s, err)
	}
	return list
}

func TestOperatorSeesWhatStandsHow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		g := newGround(t, d, c)
		for _, want := range []trust.Subject{
			{Kind: trust.Video, ID: string(g.video), Text: "A Slow Morning", By: "Ana Films", Reports: 1},
			{Kind: trust.Product, ID: string(g.product), Text: "Cup 100%", By: "Kiln"},
			{Kind: trust.Comment, ID: string(g.comment), Text: "Nice cup", By: "Ana", Under: string(g.video)},
		} {
			want.Standing, want.Made = trust.Visible, c.Now()
			list := g.look(trust.Search{Kind: want.Kind})
			if len(list) != 1 || !list[0].Made.Equal(want.Made) {
				t.Fatalf("%s: %+v", want.Kind, list)
			}
			if list[0].Made = want.Made; list[0] != want {
				t.Errorf("%s: %+v, want %+v", want.Kind, list[0], want)
			}
		}
		for q, want := range map[string]int{"slow": 1, "ana": 1, "100%": 0, "_": 0, "": 1} {
			if got := len(g.look(trust.Search{Kind: trust.Video, Q: q})); got != want {
				t.Errorf("%q finds %d videos, want %d", q, got, want)
			}
		}
		if got := len(g.look(trust.Search{Kind: trust.Product, Q: "100%"})); got != 1 {
			t.Errorf("a per cent sign finds %d products", got)
		}
		if len(g.look(trust.Search{Kind: trust.Video, Reported: true})) != 1 || len(g.look(trust.Search{Kind: trust.Comment, Reported: true})) != 0 {
			t.Error("what was reported is not told from what was not")
		}
		change, err := g.room.Set(ctx, g.operator, trust.Video, string(g.video), trust.Limited, "Not yet.")
		if err != nil {
			t.Fatal(err)
		}
		limited := g.look(trust.Search{Kind: trust.Video, Standing: trust.Limited})
		if len(limited) != 1 || limited[0].Change != change.ID || limited[0].Reason != "Not yet." || limited[0].Actor != "Olga" || limited[0].At.IsZero() {
			t.Errorf("limited: %+v", limited)
		}
		if len(g.look(trust.Search{Kind: trust.Video, After: string(g.video)})) != 0 {
			t.Error("a list does not go on after its last")
		}
		if _, err := g.room.Subjects(ctx, account.Asker{Account: "acc_x"}, trust.Search{Kind: trust.Video}); !fault.Is(err, fault.Missing) {
			t.Errorf("anybody looks: %v", err)
		}
		if _, err := g.room.Subjects(ctx, g.operator, trust.Search{Kind: "account; DROP TABLE"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown kind: %v", err)
		}
	})
}
