package notify

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// Limits of webhooks.
const (
	// MaxWebhooks is how many a brand has at most.
	MaxWebhooks = 10
	// MaxURL is how many bytes an address has at most.
	MaxURL = 2000
	// SecretLife is how long the old secret signs beside a new one.
	SecretLife = 24 * time.Hour
	// GiveUpAfter is how long a message is tried, counted from its first attempt; and after how long
	// without any success a webhook is disabled.
	GiveUpAfter = 72 * time.Hour
	// Keep is how long messages and what became of them are kept, and can be sent again.
	Keep = 30 * 24 * time.Hour

	secretBytes  = 32
	secretPrefix = "whsec_"
)

// Mode says which addresses messages may go to.
type Mode string

// The modes.
const (
	Off    Mode = "off"    // no webhooks at all
	Public Mode = "public" // https addresses of the open internet
	Local  Mode = "local"  // this machine and private networks too, and plain http: for tests
)

// State is whether messages go to a webhook.
type State string

// The states. Disabled is what Mezzo does, paused what the brand does.
const (
	Active   State = "active"
	Paused   State = "paused"
	Disabled State = "disabled"
)

// Webhook is an address of a brand's at which it is told what happens to it.
type Webhook struct {
	ID            id.Webhook `json:"id"`
	Brand         id.Brand   `json:"brand_id"`
	URL           string     `json:"url"`
	Events        []string   `json:"events" nullable:"false" doc:"Which are sent; empty: all of them"`
	State         State      `json:"state" enum:"active,paused,disabled"`
	Reason        string     `json:"reason,omitempty" doc:"Why Mezzo disabled it"`
	Since         time.Time  `json:"since" doc:"Of the state"`
	FailingSince  *time.Time `json:"failing_since,omitempty" doc:"Since when nothing was accepted"`
	LastSuccessAt *time.Time `json:"last_success_at,omitempty"`
	Secret        string     `json:"secret,omitempty" doc:"whsec_…, with which messages are signed. Shown once"`
	MadeBy        string     `json:"made_by"`
	CreatedAt     time.Time  `json:"created_at"`
	Version       int64      `json:"version" doc:"As If-Match takes it, in quotes"`
}

// Redacted is what a repeat of the call that made it is answered with.
func (w Webhook) Redacted() any { w.Secret = ""; return w }

// Options say how messages are sent.
type Options struct {
	Mode Mode         // zero: Off
	Log  *slog.Logger // nil: none
}

// Notify keeps the webhooks of brands and sends what is due.
type Notify struct {
	d       *db.DB
	mode    Mode
	log     *slog.Logger
	carrier *carrier
}

// New returns the room; Run makes it send.
func New(d *db.DB, o Options) *Notify {
	if o.Mode == "" {
		o.Mode = Off
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Notify{d: d, mode: o.Mode, log: o.Log, carrier: newCarrier(o.Mode)}
}

// Mode returns which addresses messages may go to.
func (n *Notify) Mode() Mode { return n.mode }

// Change is what a webhook is to be; fields left nil stay.
type Change struct {
	URL    *string
	Events *[]string
	State  *State // Active or Paused
}

// Create adds a webhook of the brand; the answer alone holds its secret. Its messages are those of what
// happens from now on. Invalid: an address or an event that cannot be; Conflict: switched off, or too many.
func (n *Notify) Create(ctx context.Context, who account.Asker, brand id.Brand, url string, events []string) (Webhook, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return Webhook{}, err
	}
	if n.mode == Off {
		return Webhook{}, fault.New(fault.Conflict, "Webhooks are switched off here. Whoever runs this Mezzo switches them on with --webhooks public.").WithType("webhooks_off")
	}
	events, err := n.check(&url, events)
	if err != nil {
		return Webhook{}, err
	}
	return db.Do(ctx, n.d, func(tx *db.Tx) (Webhook, error) {
		var have int64
		if err := tx.Row(`SELECT COUNT(*) FROM webhooks WHERE brand_id = $1`, brand).Scan(&have); err != nil {
			return Webhook{}, err
		}
		if have >= MaxWebhooks {
			return Webhook{}, fault.New(fault.Conflict, "A brand has at most %d webhooks. Delete one first, or give one more events.", MaxWebhooks)
		}
		w := Webhook{Brand: brand, URL: url, Events: events, State: Active, Since: tx.Now(), MadeBy: who.Actor(), CreatedAt: tx.Now(), Version: 1}
		w.ID = w.ID.Next(tx.Now())
		secret := newSecret()
		w.Secret = secretPrefix + base64.StdEncoding.EncodeToString(secret)
		topics, err := json.Marshal(events)
		if err != nil {
			return w, err
		}
		_, err = tx.Exec(`INSERT INTO webhooks (id, brand_id, url, topics, secret, state, changed_at, made_by, created_at) VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $6)`,
			w.ID, brand, url, string(topics), secret, db.Micros(tx.Now()), w.MadeBy)
		return w, err
	})
}

// check makes the address and the events what is stored, or says what is wrong with them.
func (n *Notify) check(url *string, events []string) ([]string, error) {
	var err error
	if url != nil {
		*url, err = n.carrier.address(*url)
	}
	var unknown error
	for i, topic := range events {
		if _, known := tellings[topic]; !known && unknown == nil {
			unknown = fault.InvalidField(fmt.Sprintf("body.events[%d]", i), "There is no such event to be told of. GET /webhooks/events lists them.")
		}
	}
	if err == nil {
		err = unknown
	}
	events = slices.Clone(events)
	slices.Sort(events)
	if events = slices.Compact(events); events == nil {
		events = []string{}
	}
	return events, err
}

func newSecret() []byte {
	b := make([]byte, secretBytes)
	rand.Read(b)
	return b
}

const webhookQuery = `SELECT id, brand_id, url, topics, state, reason, changed_at, failing_since, last_success_at, made_by, created_at, version FROM webhooks WHERE brand_id = $1`

func scanWebhook(scan func(...any) error) (w Webhook, err error) {
	var topics string
	var since, failing, success, created int64
	if err = scan(&w.ID, &w.Brand, &w.URL, &topics, &w.State, &w.Reason, &since, &failing, &success, &w.MadeBy, &created, &w.Version); err != nil {
		return w, err
	}
	w.Since, w.CreatedAt = db.Time(since), db.Time(created)
	w.FailingSince, w.LastSuccessAt = maybe(failing), maybe(success)
	return w, json.Unmarshal([]byte(topics), &w.Events)
}

func maybe(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// List returns the brand's webhooks, oldest first.
func (n *Notify) List(ctx context.Context, who account.Asker, brand id.Brand) ([]Webhook, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return nil, err
	}
	return db.Get(ctx, n.d, func(tx *db.Tx) ([]Webhook, error) {
		return db.All(tx, func(r *sql.Rows) (Webhook, error) { return scanWebhook(r.Scan) }, webhookQuery+` ORDER BY id LIMIT $2`, brand, int64(MaxWebhooks))
	})
}

// Webhook returns one of the brand's.
func (n *Notify) Webhook(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook) (Webhook, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return Webhook{}, err
	}
	return db.Get(ctx, n.d, func(tx *db.Tx) (Webhook, error) { return webhookOf(tx, brand, hook) })
}

func webhookOf(tx *db.Tx, brand id.Brand, hook id.Webhook) (Webhook, error) {
	w, err := scanWebhook(tx.Row(webhookQuery+` AND id = $2`, brand, hook).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.New(fault.Missing, "There is no such webhook among the brand's.")
	}
	return w, err
}

// Update changes a webhook; match is the version it must still have, 0 for any. One made active again is
// sent what happens from then on: Replay sends what it missed.
func (n *Notify) Update(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook, match int64, c Change) (Webhook, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return Webhook{}, err
	}
	var url *string
	if c.URL != nil {
		copied := *c.URL
		url = &copied
	}
	var events []string
	if c.Events != nil {
		events = *c.Events
	}
	events, err := n.check(url, events)
	if err != nil {
		return Webhook{}, err
	}
	if c.State != nil && *c.State != Active && *c.State != Paused {
		return Webhook{}, fault.InvalidField("body.state", "Make it active or paused.")
	}
	return db.Do(ctx, n.d, func(tx *db.Tx) (Webhook, error) {
		w, err := webhookOf(tx, brand, hook)
		if err != nil {
			return w, err
		}
		if match != 0 && match != w.Version {
			return w, fault.New(fault.Stale, "The webhook was changed meanwhile. Read it again first.")
		}
		if url != nil {
			w.URL = *url
		}
		if c.Events != nil {
			w.Events = events
		}
		if c.State != nil && *c.State != w.State {
			w.State, w.Reason, w.Since, w.FailingSince = *c.State, "", tx.Now(), nil
		}
		return w, n.store(tx, &w)
	})
}

// store writes what can be changed of a webhook, and holds back what waits when it is not active.
func (n *Notify) store(tx *db.Tx, w *Webhook) error {
	topics, err := json.Marshal(w.Events)
	if err != nil {
		return err
	}
	var failing int64
	if w.FailingSince != nil {
		failing = db.Micros(*w.FailingSince)
	}
	err = tx.Row(`UPDATE webhooks SET url = $2, topics = $3, state = $4, reason = $5, changed_at = $6, failing_since = $7, version = version + 1
		WHERE id = $1 RETURNING version`, w.ID, w.URL, string(topics), string(w.State), w.Reason, db.Micros(w.Since), failing).Scan(&w.Version)
	if err != nil || w.State == Active {
		return err
	}
	_, err = tx.Exec(`UPDATE webhook_deliveries SET state = 'held' WHERE webhook_id = $1 AND state = 'waiting'`, w.ID)
	return err
}

// Turn gives a webhook a new secret, which the answer alone holds. Messages are signed with both for
// SecretLife, so that the receiver has time to change over.
func (n *Notify) Turn(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook) (Webhook, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return Webhook{}, err
	}
	return db.Do(ctx, n.d, func(tx *db.Tx) (Webhook, error) {
		w, err := webhookOf(tx, brand, hook)
		if err != nil {
			return w, err
		}
		secret := newSecret()
		if err := tx.Row(`UPDATE webhooks SET old_secret = secret, old_until = $2, secret = $3, version = version + 1 WHERE id = $1 RETURNING version`,
			hook, db.Micros(tx.Now().Add(SecretLife)), secret).Scan(&w.Version); err != nil {
			return w, err
		}
		w.Secret = secretPrefix + base64.StdEncoding.EncodeToString(secret)
		return w, nil
	})
}

// Delete ends a webhook with all that waited for it.
func (n *Notify) Delete(ctx context.Context, who account.Asker, brand id.Brand, hook id.Webhook) error {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return err
	}
	return n.d.Write(ctx, func(tx *db.Tx) error {
		if _, err := webhookOf(tx, brand, hook); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM webhook_deliveries WHERE webhook_id = $1`, hook); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM webhooks WHERE id = $1`, hook)
		return err
	})
}

// Troubled counts the brand's webhooks that Mezzo disabled, for the page that says so.
func (n *Notify) Troubled(ctx context.Context, who account.Asker, brand id.Brand) (int, error) {
	if err := who.OfBrand(brand, account.WebhooksWrite); err != nil {
		return 0, err
	}
	return db.Get(ctx, n.d, func(tx *db.Tx) (count int, err error) {
		err = tx.Row(`SELECT COUNT(*) FROM webhooks WHERE brand_id = $1 AND state = 'disabled'`, brand).Scan(&count)
		return count, err
	})
}
