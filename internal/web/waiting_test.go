package web_test

import (
	"context"
	"testing"

	"mezzo/internal/db"
)

// A brand reads on its first page that a webhook of its was switched off and that a budget is spent, and nothing of
// either while all is well.
func TestABrandReadsWhatWasClosed(t *testing.T) {
	m := newMarket(t)
	home := "/brand/" + m.brand
	m.owner.post(home+"/webhooks", "url", "http://127.0.0.1:1/in").ok()
	m.owner.get(home).ok().silent("Webhooks switched off", "Budgets spent")
	must(t, m.db.Write(context.Background(), func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE programs SET closed_at = 1 WHERE brand_id = $1`, m.brand); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE webhooks SET state = 'disabled', reason = 'It answered 500.' WHERE brand_id = $1`, m.brand)
		return err
	}))
	m.owner.get(home).ok().says("Webhooks switched off", "what they missed can be sent again", "Budgets spent", "new clicks earn nothing")
	m.signUp("Rita").get(home).want(404)
	must(t, m.db.Write(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE programs SET ends_at = 2 WHERE brand_id = $1`, m.brand)
		return err
	}))
	m.owner.get(home).ok().says("Webhooks switched off").silent("Budgets spent")
}
