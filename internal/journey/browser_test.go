package journey

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// stocked opens a market in which a brand sells two products and another creator shows one of them.
func stocked(t *testing.T) (m *market, pan string) {
	t.Helper()
	m = open(t, program.Options{}, 50)
	m.post()
	image := must(m.owner.UploadImage(m.ctx, "image/webp", picture(t)))(t)
	p := must(m.owner.List(m.ctx, m.brand, client.Product{Title: "Cast pan", Description: "Heavy.", Category: "home.kitchen", Images: []string{image},
		Variants: []client.Variant{{SKU: "CP", Title: "One size", Price: client.Money{Amount: 4300, Currency: "USD"}, Stock: 5}}}))(t)
	return m, p.ID
}

// The whole of it on a phone: somebody becomes a creator and posts a film; somebody else finds it, taps
// and buys; the brand ships; the hold passes; the creator's money is there, right to the cent.
func TestJourneyInABrowser(t *testing.T) {
	browser := chromium(t)
	m, pan := stocked(t)
	creator := newPhone(t, browser, m.program.URL, "the creator", true)
	creator.signUp("Kai Lund", "kai@example.com")
	film := creator.becomeAndPost(pan)
	creator.fine()

	shopper := newPhone(t, browser, m.program.URL, "the shopper", true)
	shopper.scrollTo(film)
	order := shopper.tapAndBuy(film, pan)
	shopper.fine()

	creator.earned("$0.00", "$6.45")
	brand := newPhone(t, browser, m.program.URL, "the brand", true)
	brand.ship(m.brand, order)
	brand.fine()

	m.ok(m.operator.Turn(m.ctx, 15*24*3600-60))
	creator.earned("$0.00", "$6.45")
	m.ok(m.operator.Turn(m.ctx, 120))
	creator.earned("$6.45", "$0.00")
	creator.fine()
	m.balanced()
	m.quiet()
	if code := m.program.Stop(); code != 0 {
		t.Fatalf("stopping ended with %d", code)
	}
	if out, code := program.Run(t, "check", "--data", m.program.Data); code != 0 {
		t.Fatalf("mezzo check ended with %d:\n%s", code, out)
	}
}

func (p *phone) signUp(name, email string) {
	p.t.Helper()
	p.open("/sign-up?next=/studio")
	p.fill("display_name", name, "email", email, "password", password)
	p.tick("[name=over_18]")
	p.press("main form button", "/studio")
}

// becomeAndPost opens the studio, takes a product into the showcase, and posts a film of it whose
// index is at its end. It returns the video's id when it is ready.
func (p *phone) becomeAndPost(product string) string {
	p.t.Helper()
	p.fill("handle", "kai", "display_name", "Kai Lund", "bio", "Pans.")
	p.press("form[action='/studio/creator'] button", "/studio*")
	p.open("/studio/programs")
	p.press(fmt.Sprintf("form:has([name=product_id][value=%s]) button", product), "/studio/programs")
	p.until("it is in the showcase", fmt.Sprintf("document.querySelector('form:has([name=product_id][value=%s]) [name=show]').value === '0'", product))

	p.open("/studio/upload")
	film, err := filepath.Abs("../media/testdata/tail.mp4")
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.SetUploadFiles("#file", []string{film}, chromedp.NodeReady))
	p.fill("caption", "The pan I would buy again.")
	p.tick(fmt.Sprintf("[name=product_ids][value=%s]", product))
	p.until("all is sent", "document.querySelector('[data-upload-id]').value !== ''")
	p.shoot("upload")
	p.press("[data-post]", "/studio/videos")
	for range 100 {
		if read[bool](p, "document.querySelector('.reel-list li') !== null && document.querySelector('.reel-list progress') === null") {
			break
		}
		p.do(chromedp.Reload())
	}
	link := read[string](p, "document.querySelector('.reel-list li a.poster').getAttribute('href')")
	p.open(link)
	p.shoot("film")
	return filepath.Base(link)
}

// scrollTo scrolls the feed until the film is on the screen, and looks whether the page held still.
func (p *phone) scrollTo(film string) {
	p.t.Helper()
	p.open("/")
	p.until("there are films", "document.querySelectorAll('[data-clip^=vid_]').length >= 2")
	here := fmt.Sprintf(`[...document.querySelectorAll('[data-clip=%s]')].some(e => (e.dataset.here = Math.abs(e.getBoundingClientRect().top) < 60) && e.querySelector('video').currentTime > 0)`, film)
	for range 10 {
		p.until("the reel is still", still)
		if read[bool](p, here) {
			break
		}
		p.do(chromedp.KeyEvent(kb.ArrowDown))
	}
	p.until("the film is on the screen and plays", here)
	p.shoot("feed")
	shift := read[float64](p, `new Promise(done => {
		let sum = 0;
		new PerformanceObserver(list => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; }).observe({ type: 'layout-shift', buffered: true });
		setTimeout(() => done(sum), 300);
	})`, chromedp.EvalAwaitPromise)
	if shift > 0.1 {
		p.t.Errorf("the feed's layout shifts by %.3f", shift)
	}
}

// still holds when the reel has come to rest.
const still = `new Promise(done => {
	const reel = document.querySelector('.reel');
	let y = reel.scrollTop;
	setTimeout(() => done(reel.scrollTop === y), 300);
})`

// tapAndBuy opens the product over the film, buys it by card and returns the order's id.
func (p *phone) tapAndBuy(film, product string) string {
	p.t.Helper()
	p.tap(fmt.Sprintf("[data-clip=%s][data-here=true] [data-view]", film))
	p.until("the sheet is open", fmt.Sprintf("document.querySelector('#over').open && document.querySelector('#over [data-product=%s]') !== null", product))
	p.until("it says who earns", "document.querySelector('#over').innerText.includes('Kai Lund earns commission')")
	p.shoot("sheet")
	p.press("#over button[value=checkout]", "/checkout")
	p.address()
	p.press("footer.pay button[form=pay]", "/orders/*")
	p.shoot("order")
	if words := read[string](p, "document.querySelector('main').innerText"); words == "" {
		p.lost("the order says nothing")
	}
	return filepath.Base(read[string](p, "location.pathname"))
}

// address fills the first page of the till in and goes on to the second.
func (p *phone) address() {
	p.t.Helper()
	p.fill("email", "ada@example.com", "name", "Ada Lind", "line1", "1 Main St", "city", "Austin", "postal_code", "73301", "region", "TX")
	p.do(chromedp.SetValue("[name=country]", "US"))
	p.shoot("address")
	p.press("footer.pay button", "/checkout/*")
	p.tick("[name=payment_method][value=pm_card_visa]")
	p.shoot("pay")
}

// ship signs the brand in and sends the order from its board.
func (p *phone) ship(brand, order string) {
	p.t.Helper()
	board := "/brand/" + brand + "/orders"
	p.open("/sign-in?next=" + board)
	p.fill("email", "owner@example.com", "password", password)
	p.press("main form button", board)
	form := fmt.Sprintf("form[action='/brand/%s/orders/%s/ship']", brand, order)
	p.do(chromedp.SendKeys(form+" [name=carrier]", "Post"), chromedp.SendKeys(form+" [name=tracking]", "RX1"))
	p.shoot("board")
	p.press(form+" button", board)
	p.open(board + "?state=shipped")
	p.press("form[action$='/delivered'] button", board)
	p.open(board + "?state=delivered")
	p.until("it has arrived", "document.querySelector(\"form[action$='/delivered']\") === null")
}

// earned opens the earnings until they are as wanted.
func (p *phone) earned(available, pending string) {
	p.t.Helper()
	want := fmt.Sprintf("document.querySelector('.ready .money.big').innerText === %q && document.querySelector('.pots .money').innerText === %q", available, pending)
	for range 100 {
		p.open("/studio/earnings")
		if read[bool](p, want) {
			p.shoot("earnings")
			return
		}
	}
	p.lost("the earnings are never " + available + " available and " + pending + " pending")
}

// Without scripts the market can be looked around in and bought from: the feed, a product, the bag,
// the till, the order.
func TestBuyingWithoutScripts(t *testing.T) {
	browser := chromium(t)
	m, pan := stocked(t)
	p := newPhone(t, browser, m.program.URL, "the shopper", false)
	p.open("/")
	p.until("there are films", "document.querySelectorAll('[data-clip^=vid_]').length >= 1")
	p.shoot("feed without scripts")
	p.press("[data-clip^=vid_] [data-view]", "/products/"+m.product.ID)
	p.shoot("product without scripts")
	p.press("button[value=bag]", "/bag")
	p.open("/search?q=cast")
	p.press(fmt.Sprintf("a[href^='/products/%s']", pan), "/products/"+pan)
	p.press("button[value=bag]", "/bag")
	p.shoot("bag without scripts")
	p.press("a[href='/checkout']", "/checkout")
	p.address()
	p.press("footer.pay button[form=pay]", "/orders/*")
	p.until("both are on the order", "document.querySelector('main').innerText.includes('$62.99')")
	p.shoot("order without scripts")
	p.fine()
	m.earns(client.Earnings{Pending: client.Money{Amount: 300, Currency: "USD"}}) // the skillet's film earned; nobody showed the pan
	m.balanced()
	m.quiet()
}
