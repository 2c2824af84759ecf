package main

import (
	"context"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mezzo/internal/client"
)

// wholeWithin is how long a demo may take until everything is there.
const wholeWithin = 60 * time.Second

// terminal gathers what a demo prints.
type terminal struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write keeps what is printed.
func (t *terminal) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *terminal) said(pattern string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return regexp.MustCompile(pattern).FindStringSubmatch(t.text.String())
}

// until waits for something the demo prints.
func (t *terminal) until(test *testing.T, pattern string, ended <-chan error) []string {
	test.Helper()
	for limit := time.After(wholeWithin); ; {
		if found := t.said(pattern); found != nil {
			return found
		}
		select {
		case err := <-ended:
			test.Fatalf("the demo ended (%v) after it said:\n%s", err, t.text.String())
		case <-limit:
			test.Fatalf("the demo did not say %q within %v; it said:\n%s", pattern, wholeWithin, t.text.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The demo is whole in time; everybody it names can sign in and finds something; the books balance;
// nothing of it stays behind. On a slow machine fewer people come, and all of that holds.
func TestDemo(t *testing.T) {
	t.Run("in its own time", func(t *testing.T) { wholeDemo(t, 0) })
	t.Run("on a slow machine", func(t *testing.T) { wholeDemo(t, time.Second) })
}

func wholeDemo(t *testing.T, limit time.Duration) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	screen, ended := &terminal{}, make(chan error, 1)
	go func() { ended <- (&demoCommand{Addr: "127.0.0.1:0", limit: limit}).Run(ctx, quiet(), screen) }()

	base := client.Client{Base: screen.until(t, `Mezzo's demo: (\S+)`, ended)[1]}
	if _, err := base.GetFeed(ctx, ""); err != nil {
		t.Errorf("no feed while it is filled: %v", err)
	}
	password := screen.until(t, `with the password (\S+) as`, ended)[1]
	screen.until(t, `Whole after`, ended)

	people := map[string]client.Client{}
	for _, line := range regexp.MustCompile(`(?m)^  (\w+) +(\S+@\S+) `).FindAllStringSubmatch(screen.text.String(), -1) {
		c, err := base.SignIn(ctx, line[2], password)
		if err != nil {
			t.Errorf("%s %s cannot sign in: %v", line[1], line[2], err)
		}
		people[line[1]] = c // the last of each role
		if line[1] == "creator" {
			hasEarned(t, line[2], c)
		}
	}
	if len(people) != 4 {
		t.Fatalf("sign-ins of %d roles were printed:\n%s", len(people), screen.text.String())
	}
	lookAround(t, people)
	lookAtHouse(t, people["operator"])
	lookAtSamples(t, base, password)

	stop()
	if err := <-ended; err != nil && ctx.Err() == nil {
		t.Errorf("it ended with %v", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) != 0 {
		t.Errorf("it left %v behind (%v)", left, err)
	}
}

// hasEarned finds in a creator's hands what can be paid out and what is still held.
func hasEarned(t *testing.T, email string, creator client.Client) {
	t.Helper()
	earned, err := creator.GetEarnings(t.Context())
	if err != nil || earned.Available.Amount <= 0 || earned.Pending.Amount <= 0 {
		t.Errorf("%s has %+v: %v", email, earned, err)
	}
}

// lookAround finds what each role is promised.
func lookAround(t *testing.T, people map[string]client.Client) {
	t.Helper()
	ctx := t.Context()
	page, err := people["shopper"].GetFeed(ctx, "")
	if err != nil || len(page.Items) != 8 {
		t.Errorf("a shopper finds %d videos: %v", len(page.Items), err)
	}
	for _, i := range page.Items {
		if len(i.Video.Sources) == 0 || len(i.Video.Disclosure) == 0 {
			t.Errorf("a video without films or without its label: %+v", i.Video)
		}
	}
	var orders struct{ Items []client.Order }
	if err := people["shopper"].Call(ctx, "GET", "/api/v1/orders", nil, &orders); err != nil || len(orders.Items) < 4 {
		t.Errorf("the shopper has %d orders: %v", len(orders.Items), err)
	}
	check, err := people["operator"].CheckBooks(ctx)
	if err != nil || !check.Balanced || check.Checked < 100 {
		t.Errorf("the books: %+v: %v", check, err)
	}
	var me struct {
		Demo   bool
		Brands []struct{ ID string }
	}
	if err := people["brand"].Call(ctx, "GET", "/api/v1/me", nil, &me); err != nil || !me.Demo || len(me.Brands) != 1 {
		t.Fatalf("the brand's owner is %+v: %v", me, err)
	}
	waiting, err := people["brand"].BrandOrders(ctx, me.Brands[0].ID, "paid")
	if err != nil || len(waiting) == 0 {
		t.Errorf("%d orders wait for the brand: %v", len(waiting), err)
	}
	lookAtMoney(t, people["operator"])
	if err := people["creator"].Turn(ctx, 1); err == nil {
		t.Error("a creator turned the clock")
	}
}

// lookAtMoney finds what the operator's pages about money have to show: a voucher, disputes in each state, a payout that failed.
func lookAtMoney(t *testing.T, operator client.Client) {
	t.Helper()
	ctx := t.Context()
	var vouchers struct{ Items []struct{ Code string } }
	if err := operator.Call(ctx, "GET", "/api/v1/operator/vouchers", nil, &vouchers); err != nil || len(vouchers.Items) == 0 {
		t.Errorf("the platform gives %d vouchers: %v", len(vouchers.Items), err)
	}
	states := func(path string) map[string]int {
		var list struct{ Items []struct{ State string } }
		if err := operator.Call(ctx, "GET", "/api/v1/operator/"+path, nil, &list); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		found := map[string]int{}
		for _, x := range list.Items {
			found[x.State]++
		}
		return found
	}
	if is := states("disputes"); is["open"] == 0 || is["won"] == 0 || is["lost"] == 0 {
		t.Errorf("the disputes are %v", is)
	}
	if is := states("payouts"); is["failed"] != 1 || is["created"] != 1 || is["confirmed"] != 1 {
		t.Errorf("the payouts are %v", is)
	}
}

// lookAtHouse finds labels that parcels went by, a carrier that was paid, a brand in debt, and some of that given up.
func lookAtHouse(t *testing.T, operator client.Client) {
	t.Helper()
	read := func(path string, into any) {
		if err := operator.Call(t.Context(), "GET", "/api/v1/operator/"+path, nil, into); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	var labels, ended, carriers struct {
		Items []struct{ Owed, Paid client.Money }
	}
	read("labels", &labels)
	read("labels?state=ended", &ended)
	if len(labels.Items) != 2 || len(ended.Items) != 1 {
		t.Errorf("%d labels are on sale, %d have ended", len(labels.Items), len(ended.Items))
	}
	read("carriers", &carriers)
	if l := carriers.Items; len(l) != 2 || l[0].Paid.Amount == 0 || l[1].Owed.Amount == 0 {
		t.Errorf("the carriers are %+v", l)
	}
	var debts struct {
		Items []struct {
			Name string `json:"owner_name"`
			Owed client.Money
		}
	}
	read("debts", &debts)
	if l := debts.Items; len(l) == 0 || l[0].Name != "Finca Alba" || l[0].Owed.Amount <= 0 {
		t.Errorf("the debts are %+v", l)
	}
	var given struct{ Items []struct{ State string } }
	read("write_offs", &given)
	if l := given.Items; len(l) != 1 || l[0].State != "booked" {
		t.Errorf("given up was %+v", l)
	}
}

// lookAtSamples finds samples in every state that somebody has to do something in, one that a video answers, one refused,
// and one without a video: the last and the first come of a sweep that runs beside.
func lookAtSamples(t *testing.T, nobody client.Client, password string) {
	t.Helper()
	for email, want := range map[string][]string{"ember@demo.example": {"requested", "shipped", "approved", "declined", "fulfilled"}, "twotone@demo.example": {"fulfilled", "overdue"}} {
		brand, err := nobody.SignIn(t.Context(), email, password)
		if err != nil {
			t.Fatal(err)
		}
		var me struct{ Brands []client.ID }
		if err := brand.Call(t.Context(), "GET", "/api/v1/me", nil, &me); err != nil || len(me.Brands) != 1 {
			t.Fatalf("%s has %+v: %v", email, me, err)
		}
		var is []string
		for limit := time.Now().Add(wholeWithin); !slices.Equal(is, want); time.Sleep(50 * time.Millisecond) {
			var list struct{ Items []struct{ State string } }
			if err := brand.Call(t.Context(), "GET", "/api/v1/brands/"+me.Brands[0].ID+"/samples", nil, &list); err != nil || time.Now().After(limit) {
				t.Fatalf("the samples of %s are %v, not %v: %v", email, is, want, err)
			}
			is = nil
			for _, s := range list.Items {
				is = append(is, s.State)
			}
		}
	}
}

func TestDemoTakesAFreePort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, err := freeAddress(t.Context(), l.Addr().String())
	if err != nil || got == l.Addr().String() {
		t.Errorf("beside %s it takes %q: %v", l.Addr(), got, err)
	}
	if got, err := freeAddress(t.Context(), "127.0.0.1:0"); err != nil || got != "127.0.0.1:0" {
		t.Errorf("%q, %v", got, err)
	}
	for _, wrong := range []string{"8080", "127.0.0.1:no-port", "192.0.2.1:8080"} {
		if got, err := freeAddress(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "--addr") {
			t.Errorf("%s became %q: %v", wrong, got, err)
		}
	}
}

func TestDemoIsShownToPhonesOnlyWhereTheyReachIt(t *testing.T) {
	if said := onPhone("http://127.0.0.1:8080", "127.0.0.1:8080"); said != "" {
		t.Errorf("a loopback demo is offered to phones: %s", said)
	}
	said := onPhone("http://192.168.7.7:8080", "192.168.7.7:8080")
	if !strings.Contains(said, "http://192.168.7.7:8080\n") || !strings.ContainsAny(said, "█▀▄") {
		t.Errorf("no address or code in %q", said)
	}
}
