package content_test

import (
	"context"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
)

// TestTokensReportNoMore floods a video with reports: a person with a token of theirs, the same one
// without it, and a viewer.
func TestTokensReportNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		if err := d.Write(ctx, func(tx *db.Tx) error {
			for _, q := range []string{
				`INSERT INTO accounts(id, email, email_key, display_name, password_hash, created_at) VALUES ('acc_ada','a','a','x','',1), ('acc_bob','b','b','x','',1)`,
				`INSERT INTO creators(id, account_id, handle, display_name, created_at) VALUES ('crt_bob','acc_bob','bob','x',1)`,
				`INSERT INTO videos(id, creator_id, account_id, caption, state, created_at) VALUES ('vid_bob','crt_bob','acc_bob','my kitchen','ready',1)`,
			} {
				if _, err := tx.Exec(q); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		posts := content.New(d, nil)
		with := account.Asker{Account: "acc_ada", Viewer: "vwr_ada", Token: "tok_ada", Scopes: account.Scopes{account.ContentWrite: true}}
		bare := account.Asker{Account: "acc_ada", Viewer: "vwr_other"}
		viewer := account.Asker{Viewer: "vwr_nobody"}
		for name, who := range map[string]account.Asker{"person": with, "viewer": viewer} {
			for n := range content.ReportsPerDay {
				if err := posts.Report(ctx, who, "vid_bob", "Too loud."); err != nil {
					t.Fatalf("report %d of a %s: %v", n+1, name, err)
				}
			}
			if err := posts.Report(ctx, who, "vid_bob", "Too loud."); !fault.Is(err, fault.Limited) {
				t.Errorf("report %d of a %s within a day: %v", content.ReportsPerDay+1, name, err)
			}
		}
		if err := posts.Report(ctx, bare, "vid_bob", "Too loud."); !fault.Is(err, fault.Limited) {
			t.Errorf("the same person without the token reports on: %v", err)
		}
	})
}
