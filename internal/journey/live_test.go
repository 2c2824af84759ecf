package journey

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// An event changes the number on an open dashboard, of the creator, of the brand and of the operator, on a
// phone, within a second or so, without a reload and without anything else on the page moving.
func TestDashboardsMove(t *testing.T) {
	m := open(t, program.Options{}, 1000)
	m.post()
	browser := chromium(t)
	in := func(who, email, secret, page string) *phone {
		p := newPhone(t, browser, m.program.URL, who, true)
		p.open("/sign-in?next=" + page) // never by way of the feed, whose films would count
		p.fill("email", email, "password", secret)
		p.press("main form button", page)
		p.until(who+"'s page is followed", "document.querySelector('[data-behind]').textContent.includes('behind') && !document.querySelector('.live.away')")
		p.do(chromedp.Focus("#main"))
		read[bool](p, `(() => {
			window.same = true; window.shift = 0;
			new PerformanceObserver(list => { for (const e of list.getEntries()) {
				window.shift += e.value;
				window.moved = (window.moved ?? '') + ' ' + e.sources.map(s => s.node?.id || s.node?.className || s.node?.nodeName).join(' ');
			} }).observe({ type: 'layout-shift' });
			return true;
		})()`)
		return p
	}
	studio := in("the creator", "marisol@example.com", password, "/studio/videos/"+m.video)
	brand := in("the brand", "owner@example.com", password, "/brand/"+m.brand)
	house := in("the operator", operatorEmail, operatorPassword, "/operator")
	shown := func(entity, field string) string {
		return fmt.Sprintf(`document.querySelector('b[data-of="%s"][data-field="%s"]').textContent`, entity, field)
	}
	video := "video:" + m.video
	people := read[string](studio, shown(video, "uniques"))

	shopper := must(m.nobody.NewViewer(m.ctx))(t)
	item := m.seen(shopper)
	m.tap(shopper, item)
	studio.until("the click is on the creator's dashboard", fmt.Sprintf(`%s === "1" && %s === "100%%"`, shown(video, "uniques"), shown(video, "ctr")))
	if people != "0" {
		t.Errorf("before anybody came, %q people", people)
	}
	studio.until("the funnel grows", fmt.Sprintf(`document.querySelector('svg[data-funnel="%s"] [data-step=product_clicks]').getAttribute('width') === '150.0'`, video))
	brand.until("the click is on the brand's", shown("brand:"+m.brand, "ctr")+` === "100%"`)
	must(buy(m.ctx, shopper, m.product.Variants[0].ID, item.Impression))(t)
	brand.until("the sale is on the brand's dashboard", shown("brand:"+m.brand, "gmv")+` === "$19.99"`)
	brand.until("and who sold it", `document.querySelector('#sellers').innerText.includes('Marisol Vega')`)
	studio.until("the sale is on the creator's", shown(video, "gmv")+` === "$19.99"`)
	house.until("the machine says how fast", shown("house", "fresh_pushed.p99_ms")+`.endsWith("s") && `+shown("house", "fresh_visible.p50_ms")+`.endsWith("s")`)
	for _, p := range []*phone{studio, brand, house} {
		if !read[bool](p, "window.same === true") {
			t.Errorf("%s's page was loaded anew", p.who)
		}
		// The table of sellers appears below everything when there is a first seller: that is no number's shift.
		if shift := read[float64](p, "window.shift"); shift > 0.02 {
			t.Errorf("%s's page moved by %.4f: %s", p.who, shift, read[string](p, "window.moved"))
		}
		p.shoot("live")
	}
	m.timed(studio)
	for _, p := range []*phone{studio, brand, house} {
		p.fine()
	}
}

// timed tells of one more shopper and logs how long the page took to show it.
func (m *market) timed(p *phone) {
	m.t.Helper()
	other := must(m.nobody.NewViewer(m.ctx))(m.t)
	item := m.seen(other)
	now := time.Now()
	must(other.SendEvents(m.ctx, client.NewEvent("impression", item.Impression, "", now), client.NewEvent("view", item.Impression, "", now)))(m.t)
	begun := time.Now()
	p.until("another view is shown", fmt.Sprintf(`document.querySelector('b[data-of="video:%s"][data-field="uniques"]').textContent === "2"`, m.video))
	m.t.Logf("from the answer to the page: %v", time.Since(begun).Round(time.Millisecond))
}

// Without scripts the numbers stand there as they were when the page was made, and it is made anew by itself.
func TestDashboardsWithoutScripts(t *testing.T) {
	m := open(t, program.Options{}, 1000)
	m.post()
	shopper := must(m.nobody.NewViewer(m.ctx))(t)
	m.tap(shopper, m.seen(shopper))
	p := newPhone(t, chromium(t), m.program.URL, "Marisol", false)
	p.open("/sign-in?next=/studio")
	p.fill("email", "marisol@example.com", "password", password)
	p.press("main form button", "/studio")
	m.eventually("the click is counted", func() (bool, error) {
		ctx, cancel := context.WithTimeout(p.ctx, patience)
		defer cancel()
		if err := chromedp.Do(ctx, chromedp.Navigate(p.base+"/studio/videos/"+m.video)); err != nil {
			return false, err
		}
		text, err := chromedp.Run(ctx, chromedp.Text("main"))
		return err == nil && strings.Contains(text, "100 %") && strings.Contains(text, "early"), err
	})
	page, err := chromedp.Run(p.ctx, chromedp.OuterHTML("html"))
	for _, part := range []string{`http-equiv="refresh"`, `class="chart"`, "As a table"} {
		if err != nil || !strings.Contains(page, part) {
			t.Errorf("the page without scripts has no %s: %v", part, err)
		}
	}
}
