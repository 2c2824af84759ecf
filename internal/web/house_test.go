package web_test

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/affiliate"
	"mezzo/internal/api"
	"mezzo/internal/blob"
	"mezzo/internal/catalog"
	"mezzo/internal/clock"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/feed"
	"mezzo/internal/insight"
	"mezzo/internal/media"
	"mezzo/internal/metric"
	"mezzo/internal/notify"
	"mezzo/internal/order"
	"mezzo/internal/payment"
	"mezzo/internal/payout"
	"mezzo/internal/reach"
	"mezzo/internal/sample"
	"mezzo/internal/stream"
	"mezzo/internal/trust"
	"mezzo/internal/voucher"
	"mezzo/internal/web"
)

const (
	operatorMail = "op@mezzo.example"
	password     = "correct horse battery"
)

// house is the whole of Mezzo behind its door, with pages.
type house struct {
	samples *sample.Samples
	t       *testing.T
	ctx     context.Context
	clock   *clock.Turned
	door    http.Handler
	site    *web.Site
	orders  *order.Orders
	bank    *payment.Sandbox
	jobs    *db.Worker
	db      *db.DB

	policy  string // of contents, of every page
	payouts *payout.Payouts
	insight *insight.Insight
}

// facts carries the outbox into the log.
type facts struct{ log *stream.Log }

func (f facts) LastRelay(ctx context.Context) (int64, error) { return f.log.LastRelay(ctx) }

func (f facts) AppendRelay(ctx context.Context, list []db.Fact) error {
	records := make([][]byte, len(list))
	for i, x := range list {
		fact := event.Fact{Seq: x.Seq, Topic: x.Topic, Body: x.Body, At: x.At}
		var err error
		if records[i], err = fact.AppendEncode(nil); err != nil {
			return err
		}
	}
	return f.log.AppendRelay(ctx, list[0].Seq, stream.KindFact, records)
}

// touches is how far the follower has come.
type touches struct {
	log       *stream.Log
	affiliate *affiliate.Affiliate
}

func (l touches) Horizon(ctx context.Context) (string, error) {
	end, err := l.log.End(ctx)
	return end.String(), err
}

func (l touches) Reached(ctx context.Context, horizon string, _ time.Duration) bool {
	return l.affiliate.Reached(ctx, horizon, 10*time.Second)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	return newHouseOf(t, nil)
}

// newHouseOf is newHouse where stripe, when there is one, makes the rail that payouts leave by.
func newHouseOf(t *testing.T, stripe func(*db.DB) *payment.Stripe) *house {
	t.Helper()
	d, c := dbtest.SQLite(t)
	ctx, cancel := context.WithCancel(context.Background())
	log, err := stream.Open(ctx, stream.Options{Dir: t.TempDir(), Clock: c})
	must(t, err)
	keys, err := account.LoadKeys(ctx, d)
	must(t, err)
	blobs, err := blob.OpenDisk(t.TempDir())
	must(t, err)
	h := &house{t: t, ctx: ctx, clock: c, policy: web.Policy}
	accounts := account.New(d, keys, account.Options{Passwords: account.Cheap, Unlimited: true})
	must(t, accounts.EnsureOperator(ctx, operatorMail, password))
	goods, earn := catalog.New(d), affiliate.New(d)
	posts := content.New(d, earn)
	films, err := media.New(media.Options{DB: d, Blobs: blobs, Dir: t.TempDir(), Sink: posts, KeepSmall: true,
		Refuse: func(w http.ResponseWriter, _ *http.Request, err error) { http.Error(w, err.Error(), 500) }})
	must(t, err)
	posts.Attach(films)
	bank := payment.NewSandbox(d)
	h.bank = bank
	h.orders = order.New(order.Parts{DB: d, Keys: keys, Provider: bank, Log: touches{log, earn}, Logger: slog.New(slog.DiscardHandler)},
		order.Options{Fee: order.DefaultFee, HoldDays: order.DefaultHoldDays})
	reel := feed.New(d, log, keys, feed.Options{})
	h.jobs = d.NewWorker(films.Handlers())
	fold := metric.New(metric.Options{})
	h.insight = insight.New(insight.Options{DB: d, Source: fold, Clock: c})
	earn.Attach(h.insight)
	if err := reach.Declare(ctx, d); err != nil {
		t.Fatal(err)
	}
	vault, err := payout.OpenVault(ctx, d, filepath.Join(t.TempDir(), payout.VaultFile))
	must(t, err)
	rails, leads := []payout.Rail{payout.Manual("main"), payout.Sandbox(bank)}, []string(nil)
	if stripe != nil {
		p := stripe(d)
		rails, leads = []payout.Rail{payout.Stripe(p)}, p.Pages()
		h.policy = strings.Replace(web.Policy, "form-action 'self'", "form-action 'self' "+strings.Join(leads, " "), 1)
	}
	h.payouts = payout.New(d, payout.Options{Vault: vault, Rails: rails, Prove: accounts.Prove, Report: bank})
	h.db, h.samples = d, sample.New(d)
	posts.AttachGifts(h.samples)
	h.site = web.New(web.Deps{Insight: h.insight, DB: d, Keys: keys, Accounts: accounts, Catalog: goods, Content: posts, Media: films, Affiliate: earn, Orders: h.orders, Vouchers: voucher.Open(d), Samples: h.samples,
		Sandbox: bank, Payouts: h.payouts, Trust: trust.New(d, accounts.Forget), Feed: reel, Reach: reach.New(d, reach.Options{}), Notify: notify.New(d, notify.Options{Mode: notify.Local})}, web.Options{Clock: c, Leads: leads, Log: slog.New(slog.NewTextHandler(testLog{t}, nil))})
	door := api.New(api.Deps{Accounts: accounts}, api.Options{Clock: c, Version: "test", Unlimited: true})
	door.Handle("/", h.site)
	h.door = door
	done := make(chan struct{}, 4)
	beside := func(run func(context.Context) error) {
		go func() { _ = run(ctx); done <- struct{}{} }()
	}
	beside(func(ctx context.Context) error { return d.RunRelay(ctx, "test", facts{log}) })
	beside(reel.Run)
	beside(func(ctx context.Context) error { return log.Follow(ctx, stream.Position{}, 500, fold.Apply) })
	beside(func(ctx context.Context) error { return earn.Follow(ctx, log, "test", nil) })
	t.Cleanup(func() {
		cancel()
		for range 4 {
			<-done
		}
		log.Close()
	})
	return h
}

// testLog shows what the pages log as failed.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) { l.t.Logf("%s", b); return len(b), nil }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// browser is one without scripts: cookies, links and forms.
type browser struct {
	h       *house
	cookies map[string]string
	at      string // the page it shows
}

func (h *house) browser() *browser { return &browser{h: h, cookies: map[string]string{}} }

// shown is a page as it was answered.
type shown struct {
	t      *testing.T
	status int
	url    string
	body   string
	header http.Header
}

// send sends one request and follows where it leads.
func (b *browser) send(method, path, kind string, body []byte) shown {
	b.h.t.Helper()
	for hops := 0; ; hops++ {
		var r *http.Request
		if method == http.MethodPost {
			r = httptest.NewRequest(method, path, bytes.NewReader(body))
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		} else {
			r = httptest.NewRequest(method, path, nil)
		}
		if b.at != "" {
			r.Header.Set("Referer", "http://example.com"+b.at)
		}
		for name, value := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		w := httptest.NewRecorder()
		b.h.door.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			b.cookies[c.Name] = c.Value
			if c.MaxAge < 0 {
				delete(b.cookies, c.Name)
			}
		}
		to := w.Header().Get("Location")
		if strings.Contains(to, "://") { // to somebody else's page
			return shown{b.h.t, w.Code, to, "", w.Header()}
		}
		if to == "" || hops > 5 {
			b.at = path
			page := shown{b.h.t, w.Code, path, w.Body.String(), w.Header()}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && !strings.Contains(path, "sheet=1") {
				web.CheckPage(b.h.t, method+" "+path, page.body)
				if w.Header().Get("Content-Security-Policy") != b.h.policy {
					b.h.t.Errorf("%s has no content security policy", path)
				}
			}
			return page
		}
		if w.Code == http.StatusSeeOther {
			method = http.MethodGet
		}
		path = to
	}
}

func (b *browser) get(path string) shown {
	b.h.t.Helper()
	return b.send(http.MethodGet, path, "", nil)
}

// post sends a form; fields come in pairs.
func (b *browser) post(path string, fields ...string) shown {
	b.h.t.Helper()
	return b.send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(pairs(fields).Encode()))
}

func pairs(fields []string) url.Values {
	values := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return values
}

// postFile sends a form with one file.
func (b *browser) postFile(path, field, file string, content []byte, fields ...string) shown {
	b.h.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range pairs(fields) {
		for _, value := range values {
			must(b.h.t, w.WriteField(name, value))
		}
	}
	part, err := w.CreateFormFile(field, file)
	must(b.h.t, err)
	_, err = part.Write(content)
	must(b.h.t, err)
	must(b.h.t, w.Close())
	return b.send(http.MethodPost, path, w.FormDataContentType(), body.Bytes())
}

func (p shown) want(status int) shown {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%s: got %d, want %d: %s", p.url, p.status, status, p.text())
	}
	return p
}

func (p shown) ok() shown { p.t.Helper(); return p.want(http.StatusOK) }

// under checks where a visit ended.
func (p shown) under(prefix string) shown {
	p.t.Helper()
	if !strings.HasPrefix(p.url, prefix) {
		p.t.Fatalf("ended at %s, want %s…: %s", p.url, prefix, p.text())
	}
	return p
}

var (
	tags   = regexp.MustCompile(`(?s)<head>.*?</head>|<template.*?</template>|<[^>]*>`)
	blanks = regexp.MustCompile(`\s+`)
)

// text is what a person reads.
func (p shown) text() string {
	return strings.TrimSpace(blanks.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(p.body, " ")), " "))
}

// says checks that a person reads all of it.
func (p shown) says(words ...string) shown {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.text(), w) {
			p.t.Fatalf("%s does not say %q: %s", p.url, w, p.text())
		}
	}
	return p
}

func (p shown) silent(words ...string) shown {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.body, w) {
			p.t.Fatalf("%s says %q", p.url, w)
		}
	}
	return p
}

// find returns the first group of a pattern in the page, unescaped.
func (p shown) find(pattern string) string {
	p.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(p.body)
	if m == nil {
		p.t.Fatalf("%s has no %s: %s", p.url, pattern, p.text())
	}
	return html.UnescapeString(m[1])
}

// value is what a field of the page holds.
func (p shown) value(name string) string {
	p.t.Helper()
	return p.find(`name="` + regexp.QuoteMeta(name) + `"[^>]* value="([^"]*)"`)
}

// signUp makes an account and returns its browser.
func (h *house) signUp(name string) *browser {
	h.t.Helper()
	b := h.browser()
	b.post("/sign-up", "display_name", name, "email", strings.ToLower(name)+"@mail.example", "password", password, "over_18", "1").ok().under("/")
	return b
}

// operator signs the operator in.
func (h *house) operator() *browser {
	h.t.Helper()
	b := h.browser()
	b.post("/sign-in", "email", operatorMail, "password", password, "next", "/operator").ok().under("/operator")
	return b
}

// eventually waits until what others do beside the requests is done.
func (h *house) eventually(what string, ok func() bool) {
	h.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			h.t.Fatalf("%s did not come", what)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(t, err)
	return b
}

// crossSite posts as the page of another site would make the browser do.
func crossSite(b *browser, path, body string) shown {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Origin", "https://evil.example")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.h.door.ServeHTTP(w, r)
	return shown{b.h.t, w.Code, path, w.Body.String(), w.Header()}
}
