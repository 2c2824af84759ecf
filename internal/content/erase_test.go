package content_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"mezzo/internal/clock"
	"mezzo/internal/content"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/event"
	"mezzo/internal/id"
)

func TestEraseTakesAwayWhatSomebodyPosted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx := context.Background()
		exec := func(q string, args ...any) {
			t.Helper()
			if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q, args...); return err }); err != nil {
				t.Fatal(err)
			}
		}
		at := db.Micros(c.Now())
		ada, bob := id.Account("acc_ada"), id.Account("acc_bob")
		for _, p := range []struct{ account, creator, video string }{{"acc_ada", "crt_ada", "vid_ada"}, {"acc_bob", "crt_bob", "vid_bob"}} {
			exec(`INSERT INTO accounts(id, email, email_key, display_name, password_hash, created_at) VALUES ($1,$1,$1,'x','',$2)`, p.account, at)
			exec(`INSERT INTO creators(id, account_id, handle, display_name, created_at) VALUES ($1,$2,$1,'x',$3)`, p.creator, p.account, at)
			exec(`INSERT INTO videos(id, creator_id, account_id, caption, state, created_at) VALUES ($1,$2,$3,'my kitchen','ready',$4)`, p.video, p.creator, p.account, at)
		}
		for _, p := range []string{"acc_ada", "acc_bob"} {
			exec(`INSERT INTO comments(id, video_id, account_id, text, created_at) VALUES ($1,'vid_bob',$2,'so good',$3)`, "cmt_"+p, p, at)
			exec(`INSERT INTO likes(video_id, account_id, created_at) VALUES ('vid_bob',$1,$2)`, p, at)
			exec(`INSERT INTO reports(id, subject_kind, subject_id, account_id, viewer_id, reason, created_at) VALUES ($1,'video','vid_bob',$2,$1,'loud',$3)`, "rep_"+p, p, at)
		}
		exec(`INSERT INTO videos(id, creator_id, account_id, caption, state, created_at, deleted_at) VALUES ('vid_gone','crt_ada','acc_ada','my old kitchen','ready',$1,$1)`, at)
		exec(`INSERT INTO follows(account_id, creator_id, created_at) VALUES ('acc_ada','crt_bob',$1), ('acc_bob','crt_ada',$1), ('acc_bob','crt_bob',$1)`, at)

		kept, err := db.Get(ctx, d, func(tx *db.Tx) (any, error) { return content.Export(tx, ada) })
		if text, _ := json.Marshal(kept); err != nil || strings.Count(string(text), "my kitchen") != 1 || strings.Count(string(text), "so good") != 1 {
			t.Fatalf("export: %v %s", err, text)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { return content.Erase(tx, ada) }); err != nil {
			t.Fatal(err)
		}
		count := func(want int64, q string, args ...any) {
			t.Helper()
			got, err := db.Get(ctx, d, func(tx *db.Tx) (n int64, err error) { return n, tx.Row(q, args...).Scan(&n) })
			if err != nil || got != want {
				t.Errorf("%s: %d, %v; want %d", q, got, err, want)
			}
		}
		count(0, `SELECT COUNT(*) FROM videos WHERE account_id = $1 AND (deleted_at = 0 OR caption <> '')`, ada)
		count(1, `SELECT COUNT(*) FROM videos WHERE account_id = $1 AND deleted_at = 0 AND caption = 'my kitchen'`, bob)
		for _, table := range []string{"comments", "likes", "follows", "reports"} {
			count(0, `SELECT COUNT(*) FROM `+table+` WHERE account_id = $1`, ada)
			count(1, `SELECT COUNT(*) FROM `+table+` WHERE account_id = $1`, bob)
		}
		count(1, `SELECT COUNT(*) FROM reports WHERE account_id = '' AND viewer_id = '' AND reason = 'loud'`)
		count(1, `SELECT COUNT(*) FROM outbox WHERE topic = $1`, event.TopicVideoDeleted)
	})
}
