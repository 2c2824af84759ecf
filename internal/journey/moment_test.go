package journey

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"mezzo/internal/client"
	"mezzo/internal/program"
)

// tried is what was sent to a program that dies at exact moments.
type tried struct {
	*market
	events []client.Event // answered, at the latest when they were sent again
	orders map[string]bool
}

// The program dies just before and just after each step that makes something lasting: nothing that was acknowledged is lost, and what
// was not, and is sent again under its id or key, counts once.
func TestKilledAtExactMoments(t *testing.T) {
	if testing.Short() {
		t.Skip("eight kills take a while")
	}
	program.Traceable(t)
	engines(t, func(t *testing.T, o program.Options) {
		m := &tried{market: open(t, o, 1000), orders: map[string]bool{}}
		for _, moment := range []string{"before the append", "after the append, before its sync", "after its sync, before the answer"} {
			m.dieSending(moment)
		}
		for _, after := range []bool{false, true} {
			m.told(m.visit(), m.visit())
			death := m.program.DieAt(program.Moment{Call: "rename", Path: "/metric/0000", After: after})
			m.program.Ask()
			death.Wait()
			m.program.Restart()
			m.counted()
		}
		moments := []string{"before the commit", "after the commit, before the answer"}
		if o.Database == "" {
			moments = append(moments, "before its sync")
		}
		for _, moment := range moments {
			m.diePaying(moment, o.Database == "")
		}
		m.balanced()
		if code := m.program.Stop(); code != 0 {
			t.Fatalf("stopping ended with %d", code)
		}
		m.kept(&promises{events: map[string]bool{}}, o)
		stands := logged(t, m.program.Data)
		for _, e := range m.events {
			if stands[e.ID] == 0 {
				t.Errorf("the event %s was acknowledged and is not in the log", e.ID)
			}
		}
	})
}

// visit is a visit of the product's page by somebody new.
func (m *tried) visit() client.Event {
	return client.NewEvent("product_view", "", m.product.ID, time.Now())
}

// told sends events that are answered.
func (m *tried) told(events ...client.Event) {
	m.t.Helper()
	shopper := must(m.nobody.NewViewer(m.ctx))(m.t)
	got := must(shopper.SendEvents(m.ctx, events...))(m.t)
	if got.Accepted+got.Duplicates != len(events) || len(got.Rejected) > 0 {
		m.t.Fatalf("events: %+v", got)
	}
	m.events = append(m.events, events...)
}

// counted waits until the numbers have every event and order once, and looks that they stay.
func (m *tried) counted() {
	m.t.Helper()
	m.eventually("everything is counted once", func() (bool, error) {
		var got struct {
			Visits int `json:"product_views"`
			Orders int `json:"orders"`
		}
		err := m.owner.Call(m.ctx, http.MethodGet, "/api/v1/metrics/product/"+m.product.ID+"?window=24h", nil, &got)
		if got.Visits > len(m.events) || got.Orders > len(m.orders) {
			m.t.Fatalf("%d visits and %d orders are counted of %d and %d", got.Visits, got.Orders, len(m.events), len(m.orders))
		}
		return got.Visits == len(m.events) && got.Orders == len(m.orders), err
	})
}

// dieSending has the program die while it takes an event in, starts it again and sends the event again.
func (m *tried) dieSending(moment string) {
	m.t.Helper()
	m.told(m.visit(), m.visit())
	e := m.visit()
	name := uuid.MustParse(e.ID)
	moments := []program.Moment{{Call: "write", Path: ".blk", Texts: [][]byte{name[:]}}}
	switch moment {
	case "after the append, before its sync":
		moments[0].After = true
		moments = append(moments, program.Moment{Call: "sync", Path: ".blk", Same: true})
	case "after its sync, before the answer":
		moments[0].After = true
		moments = append(moments, program.Moment{Call: "sync", Path: ".blk", Same: true, After: true})
	}
	shopper := must(m.nobody.NewViewer(m.ctx))(m.t)
	death := m.program.DieAt(moments...)
	if got, err := shopper.SendEvents(m.ctx, e); err == nil {
		m.t.Fatalf("dying %s it answered %+v", moment, got)
	}
	death.Wait()
	m.program.Restart()
	m.stood(moment, e)
	if got := must(shopper.SendEvents(m.ctx, e))(m.t); got.Accepted+got.Duplicates != 1 {
		m.t.Fatalf("sent again after it died %s: %+v", moment, got)
	}
	if m.events = append(m.events, e); moment != "before the append" {
		_ = must(shopper.SendEvents(m.ctx, e))(m.t) // and once more
	}
	m.counted()
}

// stood looks that what the disk had is counted before it is sent again, and nothing else.
func (m *tried) stood(moment string, e client.Event) {
	m.t.Helper()
	was := m.events
	if moment != "before the append" {
		m.events = append(m.events, e) // a killed process loses nothing it wrote; a power cut may, where there was no sync
	}
	m.counted()
	m.events = was
}

// diePaying has the program die while a payment commits, starts it again and pays again under the same key.
func (m *tried) diePaying(moment string, sqlite bool) {
	m.t.Helper()
	var made struct {
		Viewer string `json:"viewer"`
		Token  string `json:"viewer_token"`
	}
	m.ok(m.nobody.Call(m.ctx, http.MethodPost, "/api/v1/viewers", map[string]any{}, &made))
	shopper := m.nobody
	shopper.Viewer = made.Token
	paid := []byte(`"viewer":"` + made.Viewer + `","currency":`) // so says the fact of the payment, and no other
	c := must(checkout(m.ctx, shopper, m.product.Variants[0].ID, ""))(m.t)
	key := uuid.NewString()
	moments := []program.Moment{{Call: "write", Path: "socket:", Texts: [][]byte{paid}}, {Call: "write", Same: true, Texts: [][]byte{[]byte("commit")}}}
	if sqlite {
		moments = []program.Moment{{Call: "write", Path: "mezzo.db-wal", Texts: [][]byte{paid}}}
	}
	after := strings.HasPrefix(moment, "after the commit")
	switch {
	case sqlite && moment != "before the commit":
		moments = append(moments, program.Moment{Call: "sync", Same: true, After: after})
	case after:
		moments = append(moments, program.Moment{Call: "read", Same: true, After: true})
	}
	death := m.program.DieAt(moments...)
	if got, err := shopper.PayKey(m.ctx, key, c, "pm_card_visa"); err == nil {
		m.t.Fatalf("dying %s it answered %+v", moment, got)
	}
	death.Wait()
	m.program.Restart()
	if after {
		m.orders[key] = true
		m.counted() // without being asked again
		delete(m.orders, key)
	}
	m.eventually("the payment is answered when it is sent again", func() (bool, error) {
		paid, err := shopper.PayKey(m.ctx, key, c, "pm_card_visa")
		if err == nil {
			m.orders[paid.Order.ID] = true
		}
		if problem, ok := err.(*client.Problem); ok && (problem.Status == http.StatusConflict || problem.Status == http.StatusServiceUnavailable) {
			return false, nil
		}
		return err == nil, err
	})
	m.counted()
}
