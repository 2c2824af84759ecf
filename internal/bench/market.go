package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/client"
)

// What a load is furnished with.
const (
	maxVariants    = 1000
	maxShoppers    = 100       // for each client
	perProduct     = 20        // variants
	plenty         = 1_000_000 // units of each variant
	films          = 4         // videos, where the server has none
	tokensEach     = 4         // impression tokens a shopper collects, at least
	furnishAtOnce  = 8
	readyVideo     = 2 * time.Minute
	settleLimit    = 30 * time.Second
	settleInterval = 200 * time.Millisecond
)

// market is what the load needs at the server: goods, somebody who promotes them, shoppers.
type market struct {
	nobody   client.Client
	operator client.Client // of no token when there is none to sign in as
	owner    client.Client // of the brand
	brand    string
	products []string
	variants []string
	shoppers []shopper
}

// shopper is one viewer the server minted, with tokens of what it was shown.
type shopper struct {
	client.Client
	tokens []string
}

// furnish makes it all through the public contract.
func furnish(ctx context.Context, o *Options) (*market, error) {
	m := &market{nobody: client.Client{Base: o.URL, HTTP: newHTTP(o.Clients)}}
	var err error
	if o.Sign.Email != "" {
		if m.operator, err = m.nobody.SignIn(ctx, o.Sign.Email, o.Sign.Password); err != nil {
			return nil, err
		}
	}
	mark := strings.ReplaceAll(uuid.NewString(), "-", "")[:12] // of this run: a server may be loaded twice
	owner, err := m.nobody.SignUp(ctx, "bench-"+mark+"@example.com", uuid.NewString(), "Bench")
	if err != nil {
		return nil, err
	}
	if err := m.stock(ctx, owner, mark, o.Variants); err != nil {
		return nil, err
	}
	creator, err := m.nobody.SignUp(ctx, "bench-creator-"+mark+"@example.com", uuid.NewString(), "Bench creator")
	if err != nil {
		return nil, err
	}
	if err := m.promote(ctx, creator, mark); err != nil {
		return nil, err
	}
	if err := m.show(ctx, creator, o); err != nil {
		return nil, err
	}
	o.Note("inviting %d shoppers", o.Shoppers*o.Clients)
	m.shoppers, err = m.invite(ctx, o.Shoppers*o.Clients, tokensEach)
	return m, err
}

// stock opens a brand whose goods do not run out, with a program for whoever promotes them.
func (m *market) stock(ctx context.Context, owner client.Client, mark string, variants int) error {
	brand, err := owner.OpenBrand(ctx, "Bench "+mark, "US", "USD")
	if err != nil {
		return err
	}
	m.owner, m.brand = owner, brand
	for n := 0; n < variants; n += perProduct {
		p := client.Product{Title: fmt.Sprintf("Bench goods %d", n/perProduct+1), Description: "Made to be counted.", Category: "home.kitchen"}
		for i := n; i < min(n+perProduct, variants); i++ {
			p.Variants = append(p.Variants, client.Variant{SKU: fmt.Sprintf("%s-%d", mark, i), Title: fmt.Sprint("No. ", i), Price: client.Money{Amount: 1999, Currency: "USD"}, Stock: plenty})
		}
		if p, err = owner.List(ctx, brand, p); err != nil {
			return err
		}
		m.products = append(m.products, p.ID)
		for _, v := range p.Variants {
			m.variants = append(m.variants, v.ID)
		}
	}
	_, err = owner.OpenProgram(ctx, brand, "Open to all", 1500, 15)
	return err
}

func (m *market) promote(ctx context.Context, creator client.Client, mark string) error {
	if err := creator.BecomeCreator(ctx, "b"+mark, "Bench creator", ""); err != nil {
		return err
	}
	for _, p := range m.products {
		if err := creator.Promote(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// show posts a few videos of the goods, so that shoppers are handed tokens.
func (m *market) show(ctx context.Context, creator client.Client, o *Options) error {
	if len(o.Film) == 0 {
		return nil
	}
	for i := range films {
		upload, err := creator.Upload(ctx, "bench.mp4", "video/mp4", o.Film)
		if err != nil {
			return err
		}
		video, err := creator.Post(ctx, upload, "", fmt.Sprintf("Bench film %d.", i+1), m.products[i%len(m.products)])
		if err != nil {
			return err
		}
		for until := time.Now().Add(readyVideo); video.State != "ready"; {
			if video.State == "failed" || time.Now().After(until) {
				return fmt.Errorf("the video is %s: %s", video.State, video.FailedReason)
			}
			<-time.After(settleInterval)
			if video, err = creator.GetVideo(ctx, video.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// invite mints shoppers and lets each look at the feed until it has so many tokens.
func (m *market) invite(ctx context.Context, many, tokens int) ([]shopper, error) {
	list := make([]shopper, many)
	errs := make([]error, many)
	next := make(chan int)
	var hosts sync.WaitGroup
	for range furnishAtOnce {
		hosts.Go(func() {
			for i := range next {
				list[i].Client, errs[i] = m.nobody.NewViewer(ctx)
				if errs[i] == nil {
					errs[i] = list[i].look(ctx, tokens)
				}
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	hosts.Wait()
	return list, errors.Join(errs...)
}

// shopper returns whose part a client takes in a round.
func (m *market) shopper(o Options, client, round int) *shopper {
	return &m.shoppers[client*o.Shoppers+round%o.Shoppers]
}

// look collects tokens from the feed. A server without a feed hands out none.
func (s *shopper) look(ctx context.Context, tokens int) error {
	for range tokens {
		page, err := s.GetFeed(ctx, "")
		var p *client.Problem
		if errors.As(err, &p) && p.Status == http.StatusNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if item.Impression != "" {
				s.tokens = append(s.tokens, item.Impression)
			}
		}
		if len(page.Items) == 0 || len(s.tokens) >= tokens {
			return nil
		}
	}
	return nil
}

// prove checks the books when somebody is there who may.
func (m *market) prove(ctx context.Context, r *Report) {
	if m.operator.Token == "" {
		r.Notes = append(r.Notes, "the books were not checked: no operator was given to sign in as")
		return
	}
	begun := time.Now()
	check, err := m.operator.CheckBooks(ctx)
	switch {
	case err != nil:
		r.Notes = append(r.Notes, "the books could not be checked: "+err.Error())
	case check.Balanced:
		r.Notes = append(r.Notes, fmt.Sprintf("the books balance: %d transfers checked in %.1f s", check.Checked, time.Since(begun).Seconds()))
	default:
		r.Notes = append(r.Notes, fmt.Sprintf("THE BOOKS DO NOT BALANCE: %q", check.Problems))
	}
}
