package journey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"mezzo/internal/client"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// Sign-in of the operator of every market here.
const (
	operatorEmail    = "operator@example.com"
	operatorPassword = "correct horse battery"
	password         = "staple battery horse"
)

// patience bounds one wait for something that is to come.
const patience = 30 * time.Second

// market is a running Mezzo with a brand, a product and a creator who sells it by video.
type market struct {
	t        *testing.T
	ctx      context.Context
	program  *program.Program
	nobody   client.Client
	operator client.Client
	owner    client.Client // of the brand
	creator  client.Client
	brand    string
	product  client.Product
	video    string
	earned   int64 // by the creator so far, in cents
}

// engines runs a journey on the embedded SQLite and, beside it, on PostgreSQL: each has a program of its own.
func engines(t *testing.T, journey func(t *testing.T, o program.Options)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		journey(t, program.Options{})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		journey(t, program.Options{Database: dbtest.NewPostgresURL(t)})
	})
}

// open starts a program and furnishes a market through its API.
func open(t *testing.T, o program.Options, stock int64) *market {
	t.Helper()
	o.Args = append(o.Args, "--sandbox-clock")
	return furnished(t, o, stock)
}

// furnished is open for a program whose clock cannot be turned.
func furnished(t *testing.T, o program.Options, stock int64) *market {
	t.Helper()
	o.Args = append(o.Args, "--no-limits", "--webhooks", "local")
	o.Env = append(o.Env, "MEZZO_OPERATOR_EMAIL="+operatorEmail, "MEZZO_OPERATOR_PASSWORD="+operatorPassword)
	m := &market{t: t, ctx: t.Context(), program: program.Start(t, o)}
	m.nobody = client.Client{Base: m.program.URL}
	m.operator = must(m.nobody.SignIn(m.ctx, operatorEmail, operatorPassword))(t)
	m.owner = must(m.nobody.SignUp(m.ctx, "owner@example.com", password, "Olga"))(t)
	m.brand = must(m.owner.OpenBrand(m.ctx, "Pan & Co", "US", "USD"))(t)
	m.product = must(m.owner.List(m.ctx, m.brand, client.Product{Title: "Everyday skillet", Description: "26 cm, no coating.", Category: "home.kitchen",
		Variants: []client.Variant{{SKU: "SK26", Title: "26 cm", Price: client.Money{Amount: 1999, Currency: "USD"}, Stock: stock}}}))(t)
	must(m.owner.OpenProgram(m.ctx, m.brand, "Open to all", 1500, 15))(t)
	m.creator = must(m.nobody.SignUp(m.ctx, "marisol@example.com", password, "Marisol"))(t)
	m.ok(m.creator.BecomeCreator(m.ctx, "marisol", "Marisol Vega", "Eggs, mostly."))
	m.ok(m.creator.Promote(m.ctx, m.product.ID))
	return m
}

// post uploads a real video whose index is at its end, tags the product and waits until it can be played.
func (m *market) post() {
	m.t.Helper()
	film, err := os.ReadFile("../media/testdata/tail.mp4")
	m.ok(err)
	upload := must(m.creator.Upload(m.ctx, "eggs.mp4", "video/mp4", film))(m.t)
	m.video = must(m.creator.Post(m.ctx, upload, "", "Three eggs, no oil.", m.product.ID))(m.t).ID
	m.eventually("the video is ready", func() (bool, error) {
		v, err := m.creator.GetVideo(m.ctx, m.video)
		if v.State == "failed" {
			return false, errors.New(v.FailedReason)
		}
		return v.State == "ready" && len(v.Sources) > 0, err
	})
}

// seen returns a fresh shopper's feed item of the video.
func (m *market) seen(shopper client.Client) client.FeedItem {
	m.t.Helper()
	var item client.FeedItem
	m.eventually("the video is in the feed", func() (bool, error) {
		page, err := shopper.GetFeed(m.ctx, "")
		for _, i := range page.Items {
			if i.Video.ID == m.video {
				item = i
				return true, nil
			}
		}
		return false, err
	})
	return item
}

// tap tells the server that the shopper saw the item and opened the product.
func (m *market) tap(shopper client.Client, item client.FeedItem) {
	m.t.Helper()
	now := time.Now()
	got := must(shopper.SendEvents(m.ctx, client.NewEvent("impression", item.Impression, "", now), client.NewEvent("view", item.Impression, "", now),
		client.NewEvent("product_click", item.Impression, m.product.ID, now)))(m.t)
	if got.Accepted != 3 || len(got.Rejected) != 0 {
		m.t.Fatalf("events: %+v", got)
	}
}

var home = client.Address{Name: "Ada", Line1: "1 Main St", City: "Austin", Region: "TX", PostalCode: "73301", Country: "US"}

// checkout puts one unit into a cart and goes to the till.
func checkout(ctx context.Context, shopper client.Client, variant, impression string) (client.Checkout, error) {
	cart, err := shopper.NewCart(ctx)
	if err != nil {
		return client.Checkout{}, err
	}
	if err := shopper.Put(ctx, cart, variant, 1, impression); err != nil {
		return client.Checkout{}, err
	}
	return shopper.CheckOut(ctx, cart, "ada@example.com", home)
}

// buy is a guest's purchase by card.
func buy(ctx context.Context, shopper client.Client, variant, impression string) (client.Paid, error) {
	c, err := checkout(ctx, shopper, variant, impression)
	if err != nil {
		return client.Paid{}, err
	}
	return shopper.Pay(ctx, c, "pm_card_visa")
}

// balanced proves the books through the API.
func (m *market) balanced() {
	m.t.Helper()
	m.eventually("nothing is under way", func() (bool, error) {
		check, err := m.operator.CheckBooks(m.ctx)
		if err == nil && !check.Balanced {
			return false, fmt.Errorf("the books: %v", check.Problems)
		}
		return err == nil && check.Checked > 0, err
	})
}

// eventually waits until the condition holds; an error or impatience ends the test.
func (m *market) eventually(what string, holds func() (bool, error)) {
	m.t.Helper()
	until := time.Now().Add(patience)
	for {
		done, err := holds()
		if err != nil {
			m.t.Fatalf("waiting until %s: %v", what, err)
		}
		if done {
			return
		}
		if time.Now().After(until) {
			m.t.Fatalf("%s: not within %v", what, patience)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (m *market) ok(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// must returns a value or ends the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
