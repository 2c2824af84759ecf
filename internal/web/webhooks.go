package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/id"
	"mezzo/internal/notify"
)

// webhooks shows where the brand is told what happens.
func (s *Site) webhooks(v *visit) error {
	return s.showWebhooks(v, http.StatusOK, func(*WebhooksPage) {})
}

func (s *Site) showWebhooks(v *visit, status int, change func(*WebhooksPage)) error {
	page := WebhooksPage{Off: s.Notify.Mode() == notify.Off,
		URL: Field{Name: "url", Label: "Address of your system", Mode: "url", Max: notify.MaxURL, Hint: "Such as https://shop.example/mezzo"}}
	list, err := s.Notify.List(v.ctx(), v.who, v.brand.ID)
	if err != nil {
		return err
	}
	for _, w := range list {
		page.Hooks = append(page.Hooks, hookRow(w))
	}
	for _, e := range notify.Events() {
		page.Events = append(page.Events, Option{Value: e.Type, Label: e.Words})
	}
	change(&page)
	page.Chrome = v.chrome("Webhooks", Brand, "webhooks")
	return v.show(status, Webhooks(page))
}

// hookTones are the colours of states.
var hookTones = map[notify.State]string{notify.Active: "good", notify.Paused: "wait", notify.Disabled: "bad"}

func hookRow(w notify.Webhook) HookRow {
	row := HookRow{ID: string(w.ID), URL: w.URL, Events: "everything", State: string(w.State), Tone: hookTones[w.State]}
	if len(w.Events) > 0 {
		row.Events = strings.Join(w.Events, ", ")
	}
	switch {
	case w.State == notify.Disabled:
		row.Note = "Switched off: " + w.Reason + " Mend it, make it active, and send again what it missed."
	case w.FailingSince != nil:
		row.Note = "Nothing was accepted since " + DayTime(*w.FailingSince) + "."
	}
	return row
}

// addWebhook adds one and shows its secret, once.
func (s *Site) addWebhook(v *visit) error {
	w, err := s.Notify.Create(v.ctx(), v.who, v.brand.ID, v.text("url"), many[string](v, "events"))
	if a, said := v.amissOf(err); said {
		return s.showWebhooks(v, a.status, func(p *WebhooksPage) {
			p.URL.Value = v.text("url")
			a.mark(&p.URL)
			p.Notes = a.notes("No webhook was added.")
			chosen := many[string](v, "events")
			for i, e := range p.Events {
				for _, c := range chosen {
					p.Events[i].Chosen = p.Events[i].Chosen || c == e.Value
				}
			}
		})
	}
	if err != nil {
		return err
	}
	return s.showSecret(v, w)
}

func (s *Site) showSecret(v *visit, w notify.Webhook) error {
	v.w.Header().Set("Cache-Control", "no-store")
	return s.showWebhook(v, http.StatusOK, w.ID, func(p *WebhookPage) { p.Secret = w.Secret })
}

// webhook shows one with what was sent to it.
func (s *Site) webhook(v *visit) error {
	return s.showWebhook(v, http.StatusOK, v.hook(), func(*WebhookPage) {})
}

func (v *visit) hook() id.Webhook { return id.Webhook(v.r.PathValue("hook")) }

// deliveryStates are the tabs, and how each state reads.
var deliveryStates = []struct{ state, tab, says, tone string }{
	{"", "All", "", ""}, {"waiting", "Waiting", "waiting", "wait"}, {"delivered", "Accepted", "accepted", "good"}, {"failed", "Given up", "given up", "bad"}, {"held", "Held", "held", ""}}

func (s *Site) showWebhook(v *visit, status int, hook id.Webhook, change func(*WebhookPage)) error {
	w, err := s.Notify.Webhook(v.ctx(), v.who, v.brand.ID, hook)
	if err != nil {
		return err
	}
	page := WebhookPage{Hook: hookRow(w), Active: w.State == notify.Active, Since: DayTime(w.Since)}
	state, after := "", id.Message("")
	here := v.brandURL("/webhooks/" + string(hook))
	if v.r.Method == http.MethodGet {
		state, after = v.text("state"), id.Message(v.text("cursor"))
	}
	for _, t := range deliveryStates {
		page.Tabs = append(page.Tabs, Tab{Text: t.tab, URL: here + "?state=" + t.state, Here: t.state == state})
	}
	list, err := s.Notify.Deliveries(v.ctx(), v.who, v.brand.ID, hook, state, after, rowsPage+1)
	if err != nil {
		return err
	}
	if after != "" {
		page.Pager.First = here + "?state=" + url.QueryEscape(state)
	}
	if len(list) > rowsPage {
		list = list[:rowsPage]
		page.Pager.Next = here + "?state=" + url.QueryEscape(state) + "&cursor=" + string(list[rowsPage-1].Message)
	}
	for _, d := range list {
		page.Sent = append(page.Sent, sentRow(d))
	}
	for _, missed := range []string{"failed", "held"} {
		some, err := s.Notify.Deliveries(v.ctx(), v.who, v.brand.ID, hook, missed, "", 1)
		if err != nil {
			return err
		}
		page.Missed = page.Missed || len(some) > 0
	}
	change(&page)
	page.Chrome = v.chrome("Webhook", Brand, "webhooks")
	page.Chrome.Back = v.brandURL("/webhooks")
	return v.show(status, Webhook(page))
}

func sentRow(d notify.Delivery) SentRow {
	row := SentRow{ID: string(d.Message), Type: d.Type, At: DayTime(d.CreatedAt), State: d.State}
	for _, t := range deliveryStates {
		if t.state == d.State {
			row.State, row.Tone = t.says, t.tone
		}
	}
	if d.Attempts > 0 {
		row.Note = "tried once"
		if d.Attempts > 1 {
			row.Note = "tried " + strconv.FormatInt(d.Attempts, 10) + " times"
		}
	}
	if d.Error != "" {
		row.Note += ". " + d.Error
	}
	if d.NextAt != nil && d.Attempts > 0 {
		row.Note += " Next at " + DayTime(*d.NextAt) + "."
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, d.Body, "", "  ") == nil {
		row.Body = pretty.String()
	}
	return row
}

// turnWebhook gives it a new secret and shows that, once.
func (s *Site) turnWebhook(v *visit) error {
	w, err := s.Notify.Turn(v.ctx(), v.who, v.brand.ID, v.hook())
	if err != nil {
		return err
	}
	return s.showSecret(v, w)
}

// switchWebhook pauses it or makes it active.
func (s *Site) switchWebhook(v *visit) error {
	state := notify.State(v.text("state"))
	_, err := s.Notify.Update(v.ctx(), v.who, v.brand.ID, v.hook(), 0, notify.Change{State: &state})
	says := "It is told of what happens from now on."
	if state == notify.Paused {
		says = "It is told nothing until you make it active again."
	}
	return v.told(err, says)
}

// told leads back to the webhook, with what was done or what was wrong.
func (v *visit) told(err error, says string) error {
	if a, said := v.amissOf(err); said {
		return v.site.showWebhook(v, a.status, v.hook(), func(p *WebhookPage) { p.Notes = a.notes("Nothing was done.") })
	}
	return v.kept(err, says, "/webhooks/"+string(v.hook()))
}

// testWebhook sends it a message that means nothing.
func (s *Site) testWebhook(v *visit) error {
	_, err := s.Notify.Test(v.ctx(), v.who, v.brand.ID, v.hook())
	return v.told(err, "A test is on its way.")
}

// replayWebhook sends again what it missed.
func (s *Site) replayWebhook(v *visit) error {
	n, err := s.Notify.Replay(v.ctx(), v.who, v.brand.ID, v.hook(), time.Time{})
	return v.told(err, strconv.Itoa(n)+" messages go out again.")
}

// againWebhook sends one message again.
func (s *Site) againWebhook(v *visit) error {
	_, err := s.Notify.Again(v.ctx(), v.who, v.brand.ID, v.hook(), id.Message(v.r.PathValue("message")))
	return v.told(err, "It goes out again.")
}

// endWebhook ends it.
func (s *Site) endWebhook(v *visit) error {
	return v.kept(s.Notify.Delete(v.ctx(), v.who, v.brand.ID, v.hook()), "The webhook is ended.", "/webhooks")
}
