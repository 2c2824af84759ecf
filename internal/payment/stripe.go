package payment

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/money"
)

// MethodHosted is the one way to pay with Stripe: on its own page, where the card is typed in.
const MethodHosted = "hosted"

const (
	// StripeLife is how long Stripe's page waits for the buyer. Stripe takes no less than 30 minutes from when it
	// makes the page; a minute more is the way there.
	StripeLife = 31 * time.Minute
	// StripeVersion is the version of Stripe's API that requests are written for.
	StripeVersion = "2026-03-25.dahlia"
	// StripeURL is where Stripe's API is.
	StripeURL = "https://api.stripe.com"
	// keyLife is how long an idempotency key surely lasts at Stripe, which forgets it after a day: older calls
	// whose answer was lost are looked up before they are repeated.
	keyLife = 20 * time.Hour
	// callLimit is how long Stripe may take to answer.
	callLimit = 20 * time.Second
	// personWait is how long somebody waits in front of a page for all that is asked of Stripe for it.
	personWait = 10 * time.Second
)

// StripeOptions are what is known of the account at Stripe.
type StripeOptions struct {
	Key     string   // secret key: sk_test_…, sk_live_…, or a restricted rk_…
	Secrets []string // of the webhook endpoints, whsec_…: more than one while they are turned, or with a Connect endpoint
	URL     string   // of the API; StripeURL when empty
	Public  string   // where this shop is reached: buyers and payees come back there
	Shop    string   // what the buyer's page calls what is bought; "" a plain word
	// Wait is how long somebody who opens an account waits for Stripe, in all; ten seconds when 0.
	Wait time.Duration
}

// Stripe is the payment provider of that name: hosted Checkout for buyers, transfers to connected accounts for those
// who are paid. Card data never comes here. It keeps what it asked and was told in tables of its own.
type Stripe struct {
	db      *db.DB
	client  *http.Client
	key     string
	secrets [][]byte
	base    string
	public  string
	shop    string
	wait    time.Duration
}

// NewStripe returns the provider; an error says which option cannot be meant, and never shows a secret.
func NewStripe(d *db.DB, o StripeOptions) (*Stripe, error) {
	s := &Stripe{db: d, key: o.Key, base: strings.TrimSuffix(o.URL, "/"), public: strings.TrimSuffix(o.Public, "/"), shop: o.Shop, wait: o.Wait,
		client: &http.Client{Timeout: callLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if s.base == "" {
		s.base = StripeURL
	}
	if s.wait == 0 {
		s.wait = personWait
	}
	if s.shop == "" {
		s.shop = "Your order"
	}
	if _, live := keyMode(o.Key); !live && !strings.HasPrefix(o.Key, "sk_test_") && !strings.HasPrefix(o.Key, "rk_test_") {
		return nil, errors.New("the Stripe key is not a secret key: it begins with sk_test_, sk_live_, rk_test_ or rk_live_")
	}
	if len(o.Secrets) == 0 {
		return nil, errors.New("Stripe needs the secret of its webhook endpoint, which begins with whsec_")
	}
	for _, secret := range o.Secrets {
		if rest, ok := strings.CutPrefix(secret, "whsec_"); !ok || len(rest) < 8 {
			return nil, errors.New("a secret of a Stripe webhook endpoint begins with whsec_")
		}
		s.secrets = append(s.secrets, []byte(secret))
	}
	api, err := url.Parse(s.base)
	if err != nil || api.Host == "" || api.Scheme != "https" && !(api.Scheme == "http" && isLoopback(api.Hostname())) {
		return nil, fmt.Errorf("the address of Stripe's API %q is not https, nor of this machine", s.base)
	}
	shop, err := url.Parse(s.public)
	if err != nil || shop.Host == "" || shop.Scheme != "https" && !isLoopback(shop.Hostname()) {
		return nil, errors.New("Stripe sends buyers back to the shop: it must be reached by https, or be on this machine")
	}
	return s, nil
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// Pages are the origins of the pages that buyers and payees are led to.
func (s *Stripe) Pages() []string {
	if s.base != StripeURL {
		return []string{s.base} // a server that speaks like Stripe has its pages beside its API
	}
	return []string{"https://checkout.stripe.com", "https://connect.stripe.com"}
}

// keyMode reports the beginning of a key and whether it moves real money.
func keyMode(key string) (prefix string, live bool) {
	for _, p := range []string{"sk_live_", "rk_live_"} {
		if strings.HasPrefix(key, p) {
			return p, true
		}
	}
	return "", false
}

// Name is the provider's name in the books.
func (s *Stripe) Name() string { return "stripe" }

// KeepsFees reports that Stripe holds less than was captured before its report is read.
func (s *Stripe) KeepsFees() bool { return true }

// TellsSettlements reports that what Stripe pays to our bank is in its report.
func (s *Stripe) TellsSettlements() bool { return true }

// Live reports whether real money moves.
func (s *Stripe) Live() bool {
	_, live := keyMode(s.key)
	return live
}

// shift is by how many decimals Stripe writes a currency differently from ISO 4217: it writes crowns and shillings
// with two decimals that must be zero, and ariary without any.
func shift(c money.Currency) int {
	switch c {
	case "ISK", "UGX":
		return 2 - c.Exponent()
	case "MGA":
		return -c.Exponent()
	}
	return 0
}

// toStripe returns an amount as Stripe writes it; Invalid for one that it cannot: part of what has no smaller coin.
func toStripe(a money.Amount) (int64, error) {
	minor := a.Minor
	for n := shift(a.Currency); n > 0; n-- {
		minor *= 10
	}
	whole := int64(1)
	for n := shift(a.Currency); n < 0; n++ {
		whole *= 10
	}
	step := whole
	if a.Currency.Exponent() == 3 {
		step = 10 // the last figure of dinars and rials is always zero
	}
	if a.Check() != nil || minor%step != 0 {
		return 0, fault.New(fault.Invalid, "The payment provider cannot move %s: it has no coin that small.", a)
	}
	return minor / whole, nil
}

// fromStripe returns an amount that Stripe wrote.
func fromStripe(minor int64, currency string) money.Amount {
	c := money.Currency(strings.ToUpper(currency))
	for n := shift(c); n > 0; n-- {
		minor /= 10
	}
	for n := shift(c); n < 0; n++ {
		minor *= 10
	}
	return money.Of(minor, c)
}
