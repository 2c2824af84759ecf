package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"mezzo/internal/client"
)

// How shoppers behave.
const (
	pageSize    = 8
	chanceView  = 0.75
	chanceLike  = 0.12 // of somebody with an account who watches
	chanceWrite = 0.03
	chanceBuy   = 0.45 // of somebody who tapped
	chanceTwo   = 0.2  // units, or goods
	chanceNoGo  = 0.08 // of a card that is declined first
)

// shopper is somebody who scrolls. One has one thing going on at a time.
type shopper struct {
	client.Client
	email string // "" for a guest
	home  client.Address
	lots  *rand.Rand
}

// signIn signs somebody with an account in again; the viewer stays.
func (s *shopper) signIn(ctx context.Context, password string) error {
	if s.email == "" {
		return nil
	}
	c := s.Client
	c.Token = ""
	c, err := c.SignIn(ctx, s.email, password)
	if err == nil {
		s.Client = c
	}
	return err
}

// visit is one page of feed in somebody's hand.
type visit struct {
	*shopper
	items []client.FeedItem
	taps  []tap
}

// tap is goods that caught somebody's eye in a video.
type tap struct {
	product client.Product
	token   string
}

// come opens the feed.
func (w *World) come(ctx context.Context, s *shopper) (*visit, error) {
	page, err := s.GetFeed(ctx, "")
	return &visit{shopper: s, items: page.Items}, err
}

// watch draws what somebody does with an item: the events of it, and how long it takes. The product
// opened from it, if any, waits among the taps.
func (w *World) watch(v *visit, item client.FeedItem, at time.Time) ([]client.Event, time.Duration) {
	known, ours := w.video(item.Video.ID)
	events := []client.Event{client.NewEvent("impression", item.Impression, "", at)}
	if v.lots.Float64() > chanceView {
		return events, 600 * time.Millisecond
	}
	appeal := 0.1 // of what visitors post themselves
	if ours {
		appeal = known.creator.appeal
	}
	took := time.Duration((2.1 + v.lots.Float64()*(2+8*appeal)) * float64(time.Second)).Truncate(time.Millisecond)
	seen := client.NewEvent("watch", item.Impression, "", at.Add(took))
	seen.WatchMS, seen.PositionMS = took.Milliseconds(), took.Milliseconds()
	events = append(events, client.NewEvent("view", item.Impression, "", at.Add(2*time.Second)), seen)
	if ours && len(known.goods) > 0 && v.lots.Float64() < appeal {
		p := w.product(known.goods[v.lots.IntN(len(known.goods))])
		v.taps = append(v.taps, tap{p, item.Impression})
		events = append(events, client.NewEvent("product_click", item.Impression, p.ID, at.Add(took)), client.NewEvent("product_view", item.Impression, p.ID, at.Add(took)))
	}
	return events, took
}

// react lets somebody with an account like, and now and then write.
func (w *World) react(ctx context.Context, v *visit, item client.FeedItem) error {
	if v.email == "" || v.lots.Float64() > chanceLike {
		return nil
	}
	if err := v.Like(ctx, item.Video.ID); err != nil {
		return err
	}
	if v.lots.Float64() > chanceWrite/chanceLike {
		return nil
	}
	said := remarks()
	return v.Comment(ctx, item.Video.ID, said[v.lots.IntN(len(said))])
}

func (w *World) video(id string) (video, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, ok := w.videos[id]
	return v, ok
}

// decide buys certain goods, or what was tapped, or nothing: then the order is empty.
func (w *World) decide(ctx context.Context, v *visit, certain sale) (client.Order, error) {
	var wanted []tap
	switch {
	case certain.goods != "":
		t := tap{product: w.product(certain.goods)}
		if certain.by != nil {
			film, err := v.GetVideo(ctx, certain.by.first)
			if err != nil {
				return client.Order{}, err
			}
			t.token = film.Impression
		}
		wanted = []tap{t}
	case len(v.taps) == 0 || v.lots.Float64() > chanceBuy:
		return client.Order{}, nil
	case v.lots.Float64() < chanceTwo:
		wanted = v.taps[max(0, len(v.taps)-2):]
	default:
		wanted = v.taps[len(v.taps)-1:]
	}
	return w.buy(ctx, v, wanted, certain.code)
}

func (w *World) buy(ctx context.Context, v *visit, wanted []tap, code string) (client.Order, error) {
	cart, err := v.NewCart(ctx)
	if err != nil {
		return client.Order{}, err
	}
	var added []client.Event
	for _, t := range wanted {
		units := 1
		if v.lots.Float64() < chanceTwo {
			units = 2
		}
		variant := t.product.Variants[v.lots.IntN(len(t.product.Variants))]
		if err := v.Put(ctx, cart, variant.ID, units, t.token); err != nil {
			return client.Order{}, err
		}
		added = append(added, client.NewEvent("add_to_cart", t.token, t.product.ID, w.now()))
	}
	if _, err := v.SendEvents(ctx, added...); err != nil {
		return client.Order{}, err
	}
	if code != "" {
		if err := v.Call(ctx, http.MethodPut, "/api/v1/carts/"+cart+"/codes", map[string]any{"codes": []string{code}}, nil); err != nil {
			return client.Order{}, err
		}
	}
	mail := v.email
	if mail == "" {
		mail = "guest@demo.example"
	}
	checkout, err := v.CheckOut(ctx, cart, mail, v.home)
	if err != nil {
		return client.Order{}, err
	}
	if v.lots.Float64() < chanceNoGo {
		var p *client.Problem
		if _, err := v.Pay(ctx, checkout, "pm_card_insufficientFunds"); !errors.As(err, &p) || p.Status != http.StatusPaymentRequired {
			return client.Order{}, errors.Join(errors.New("a card without money was not declined"), err)
		}
	}
	paid, err := v.Pay(ctx, checkout, "pm_card_visa")
	if err == nil {
		w.change(func(s *Status) { s.Orders++ })
	}
	return paid.Order, err
}
