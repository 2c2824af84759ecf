package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"mezzo/internal/client"
)

// setTaxes fills the tax table for where the demo's people live.
func (w *World) setTaxes(ctx context.Context) error {
	for _, t := range levies() {
		err := w.operator.Call(ctx, http.MethodPost, "/api/v1/operator/taxes", map[string]any{"country": t.country, "region": t.region, "category": t.category,
			"name": t.name, "rate_bps": t.rate, "inclusive": t.inside, "on_shipping": t.inside && t.category == "", "collected_by": "platform"}, nil)
		if err != nil {
			return fmt.Errorf("%s of %s: %w", t.name, t.country, err)
		}
	}
	return nil
}

// openBrands opens each brand with its goods, its shipping and its program.
func (w *World) openBrands(ctx context.Context) error {
	list := traders()
	w.brands = make([]*brand, len(list))
	return w.each(ctx, len(list), func(ctx context.Context, i int) error {
		b := &brand{trader: list[i]}
		w.brands[i] = b
		return w.openBrand(ctx, b)
	})
}

func (w *World) openBrand(ctx context.Context, b *brand) error {
	var err error
	if b.Client, err = w.nobody.SignUp(ctx, b.email, w.o.Password, b.owner); err != nil {
		return err
	}
	var made client.ID
	err = b.Call(ctx, http.MethodPost, "/api/v1/brands", map[string]any{"name": b.name, "country": b.country, "currency": w.manifest.Currency,
		"legal_name": b.legal, "contact_email": b.contact, "contact_address": b.at}, &made)
	if err != nil {
		return err
	}
	b.id = made.ID
	usd := func(minor int64) client.Money { return client.Money{Amount: minor, Currency: w.manifest.Currency} }
	err = b.Call(ctx, http.MethodPut, "/api/v1/brands/"+b.id+"/shipping_options/standard", map[string]any{"name": "Standard", "price": usd(b.shipping),
		"free_over": usd(b.freeOver), "days_min": 2, "days_max": 5}, nil)
	if err != nil {
		return err
	}
	for _, g := range w.manifest.Goods {
		if slices.Contains(b.goods, g.ID) {
			if err := w.putUp(ctx, b, g); err != nil {
				return fmt.Errorf("%s: %w", g.Title, err)
			}
		}
	}
	open := map[string]any{"kind": "open", "name": b.name + " for everybody", "commission_bps": b.rate, "hold_days": b.hold, "product_ids": "all"}
	if b.samples != nil {
		open["samples"] = b.samples
	}
	err = b.Call(ctx, http.MethodPost, "/api/v1/brands/"+b.id+"/programs", open, &made)
	b.program = made.ID
	return err
}

// putUp puts goods up for sale with their picture.
func (w *World) putUp(ctx context.Context, b *brand, g goods) error {
	picture, err := files.ReadFile("pictures/" + g.Picture)
	if err != nil {
		return err
	}
	image, err := b.UploadImage(ctx, "image/jpeg", picture)
	if err != nil {
		return err
	}
	p := client.Product{Title: g.Title, Description: g.Description, Category: category(g.Category), Images: []string{image}}
	for n, s := range sizes(g.ID) {
		p.Variants = append(p.Variants, client.Variant{SKU: fmt.Sprintf("%s-%d", strings.ToUpper(g.ID), n+1), Title: s.title,
			Price: client.Money{Amount: g.Price * s.percent / 100, Currency: w.manifest.Currency}, Stock: stockEach, Weight: g.Weight})
	}
	if p, err = b.List(ctx, b.id, p); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.goods[g.ID] = p
	return nil
}

// openCreators makes the creators, fills their shelves and posts the films of the first day.
func (w *World) openCreators(ctx context.Context) error {
	list := makers()
	w.creators = make([]*creator, len(list))
	return w.each(ctx, len(list), func(ctx context.Context, i int) error {
		c := &creator{maker: list[i]}
		w.creators[i] = c
		var err error
		if c.Client, err = w.nobody.SignUp(ctx, c.email, w.o.Password, c.name); err != nil {
			return err
		}
		face, err := w.picture(ctx, c, c.posts[0].clip)
		if err != nil {
			return err
		}
		err = c.Call(ctx, http.MethodPut, "/api/v1/me/creator", map[string]any{"handle": c.handle, "display_name": c.name, "bio": c.bio,
			"categories": c.categories, "avatar_image_id": face}, nil)
		if err != nil {
			return err
		}
		return w.post(ctx, c, 0)
	})
}

// picture uploads the poster of a clip.
func (w *World) picture(ctx context.Context, c *creator, clip string) (string, error) {
	data, err := files.ReadFile("clips/" + strings.TrimSuffix(clip, ".mp4") + ".jpg")
	if err != nil {
		return "", err
	}
	return c.UploadImage(ctx, "image/jpeg", data)
}

// post posts what the creator posts on the day, once its goods are on the shelf, and waits until it
// can be played.
func (w *World) post(ctx context.Context, c *creator, day int) error {
	for _, p := range c.posts {
		if p.day != day {
			continue
		}
		if err := w.postOne(ctx, c, p); err != nil {
			return fmt.Errorf("%s by %s: %w", p.clip, c.handle, err)
		}
	}
	return nil
}

func (w *World) postOne(ctx context.Context, c *creator, p posting) error {
	at := slices.IndexFunc(w.manifest.Clips, func(m clip) bool { return m.Clip == p.clip })
	if at < 0 {
		return errors.New("no such clip")
	}
	seen := w.manifest.Clips[at]
	var tags []string
	for _, g := range seen.Goods {
		product := w.product(g)
		if err := c.Promote(ctx, product.ID); err != nil {
			return err
		}
		tags = append(tags, product.ID)
	}
	film, err := files.ReadFile("clips/" + seen.Clip)
	if err != nil {
		return err
	}
	upload, err := c.Upload(ctx, seen.Clip, "video/mp4", film)
	if err != nil {
		return err
	}
	poster, err := w.picture(ctx, c, seen.Clip)
	if err != nil {
		return err
	}
	v, err := c.Post(ctx, upload, poster, seen.Captions[p.caption], tags...)
	for err == nil && v.State != "ready" {
		if v.State == "failed" {
			return errors.New(v.FailedReason)
		}
		if err = w.pause(ctx, readyInterval); err == nil {
			v, err = c.GetVideo(ctx, v.ID)
		}
	}
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.videos[v.ID] = video{c, seen.Goods}
	if c.first == "" {
		c.first = v.ID
	}
	return nil
}

// product returns goods as they were put up.
func (w *World) product(id string) client.Product {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.goods[id]
}

// invite makes the shoppers. Those with an account follow creators, the famous far more than others.
func (w *World) invite(ctx context.Context) error {
	w.shoppers = make([]*shopper, people+guests)
	return w.each(ctx, len(w.shoppers), func(ctx context.Context, i int) error {
		s := &shopper{lots: lots(i), home: homes()[i%len(homes())]}
		w.shoppers[i] = s
		s.home.Name = firstNames[i%len(firstNames)] + " " + lastNames[i/len(firstNames)%len(lastNames)]
		var err error
		if s.Client, err = w.nobody.NewViewer(ctx); err != nil || i >= people {
			return err
		}
		s.email = fmt.Sprintf("%s%d@demo.example", strings.ToLower(firstNames[i%len(firstNames)]), i+1)
		if s.Client, err = s.SignUp(ctx, s.email, w.o.Password, s.home.Name); err != nil {
			return err
		}
		return w.follow(ctx, s.Client, s.lots)
	})
}

func (w *World) follow(ctx context.Context, c client.Client, lots *rand.Rand) error {
	for _, m := range w.creators {
		if lots.IntN(100) < m.follow {
			if err := c.Follow(ctx, m.handle); err != nil {
				return err
			}
		}
	}
	return nil
}

// SignIns lists somebody of each role, for people who look around.
func (w *World) SignIns() []SignIn {
	first := strings.ToLower(firstNames[0]) + "1@demo.example"
	list := []SignIn{{"shopper", first, "follows, likes, has ordered"}}
	for _, m := range makers()[:shown] {
		what := "followed by nearly everybody, sells little"
		if m.follow < 50 {
			what = "followed by few, sells well"
		}
		list = append(list, SignIn{"creator", m.email, "@" + m.handle + ": " + what})
	}
	for at, what := range []string{"goods, program, samples, orders to ship", "goods, program, a return to answer", "", "sends with the platform's labels, owes for some"} {
		if t := traders()[at]; what != "" {
			list = append(list, SignIn{"brand", t.email, t.name + ": " + what})
		}
	}
	return append(list, SignIn{"operator", w.o.Operator.Email, "people, orders, the books"})
}
