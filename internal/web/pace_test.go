package web_test

import (
	"net/http"
	"strings"
	"testing"
)

// Dashboards stand as plain pages: with what to do next before there is anything, then with the numbers.
func TestDashboardsSayWhatWasCounted(t *testing.T) {
	m := newMarket(t)
	first := "Your first views appear here within a second."
	m.maker.get("/studio").ok().says("What your videos do", first, "24 hours", "No sales yet")
	m.maker.get("/studio/videos").ok().says("All its numbers", "0 impressions")
	page := m.maker.get("/studio/videos/"+m.id).ok().says("What this video did in the last 24 hours", first, "Product clicks", "How often a product click led to an order.")
	if !strings.Contains(page.body, `data-stream="/api/v1/metrics/stream?entities=video%3A`+m.id) || !strings.Contains(page.body, `<noscript><meta http-equiv="refresh"`) {
		t.Errorf("the page is not followed: %s", page.body[:2000])
	}
	m.owner.get("/brand/"+m.brand).ok().says("GMV", "$0.00", "Your first views appear here")
	m.operator().get("/operator").ok().says("Open dashboards", "To be counted", "Flagged", "since the counting began", "Lost on the way", "Events that never came", "Repeats dropped")

	m.buy(m.signUp("Jo"), "pm_card_visa").under("/orders/")
	m.eventually("the sale", func() bool {
		return strings.Contains(m.owner.get("/brand/"+m.brand).ok().text(), "GMV Value of the goods in paid orders after discounts, without tax and shipping, before refunds; by the time of payment. $48.00")
	})
	m.owner.get("/brand/"+m.brand+"?window=1h").ok().says("What was sold", "Skillet", "1 SKU order, 1 unit", "net $48.00")
	m.owner.get("/brand/"+m.brand+"?window=28d").ok().says("$48.00", "As a table")
	m.owner.get("/brand/" + m.brand + "?window=nonsense").ok().says("$48.00")
}

// A video's numbers are its creator's alone.
func TestAnothersVideoHasNoNumbers(t *testing.T) {
	m := newMarket(t)
	rival := m.signUp("Rival")
	rival.post("/studio/creator", "handle", "rival", "display_name", "Rival", "bio", "").ok()
	for name, b := range map[string]*browser{"a rival": rival, "the brand's owner": m.owner} {
		if page := b.get("/studio/videos/" + m.id); page.status != http.StatusNotFound && page.url != "/studio" {
			t.Errorf("%s is answered %d at %s", name, page.status, page.url)
		}
	}
	m.maker.get("/studio/videos/vid_00000000000000000000000000").want(http.StatusNotFound)
}

// The marketplace can be sorted by what was measured.
func TestMarketplaceSortsByMeasure(t *testing.T) {
	m := newMarket(t)
	for _, by := range []string{"epc", "cvr", "new", "commission"} {
		m.maker.get("/studio/programs?sort="+by).ok().says("Earns most a click", "Skillet")
	}
	m.maker.get("/studio/programs?sort=fame").want(http.StatusUnprocessableEntity)
}
