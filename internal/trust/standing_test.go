package trust_test

import (
	"context"
	"strings"
	"testing"

	"mezzo/internal/account"
	"mezzo/internal/clock"
	"mezzo/internal/db"
	"mezzo/internal/db/dbtest"
	"mezzo/internal/fault"
	"mezzo/internal/trust"
)

func TestStandingChangesAndIsTakenBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx, g := context.Background(), newGround(t, d, c)
		set := func(to trust.Standing) trust.Change {
			t.Helper()
			c.Advance(1e9)
			change, err := g.room.Set(ctx, g.operator, trust.Product, string(g.product), to, " It is "+string(to)+". ")
			if err != nil {
				t.Fatal(err)
			}
			return change
		}
		first := set(trust.Limited)
		if first.Before != trust.Visible || first.After != trust.Limited || first.Reason != "It is limited." || first.Actor != string(g.operator.Account) || !first.At.Equal(c.Now()) {
			t.Errorf("the first change: %+v", first)
		}
		second := set(trust.Removed)
		if _, err := g.room.Undo(ctx, g.operator, first.ID); !fault.Is(err, fault.Conflict) {
			t.Errorf("a change that another followed was taken back: %v", err)
		}
		c.Advance(1e9)
		back, err := g.room.Undo(ctx, g.operator, second.ID)
		if err != nil || back.After != trust.Limited || back.Undoes != second.ID {
			t.Errorf("taken back: %+v, %v", back, err)
		}
		history, err := g.room.History(ctx, g.operator, trust.Product, string(g.product))
		if err != nil || len(history) != 3 || history[0].ID != back.ID || history[2].ID != first.ID {
			t.Errorf("the history: %+v, %v", history, err)
		}
		if newest, err := g.room.Newest(ctx, g.operator, back.ID, 1); err != nil || len(newest) != 1 || newest[0].ID != second.ID {
			t.Errorf("the newest after one: %+v, %v", newest, err)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM standings`); return err }); err == nil {
			t.Error("the history was deleted")
		}
	})
}

func TestStandingIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, c *clock.Turned) {
		ctx, g := context.Background(), newGround(t, d, c)
		video, self := string(g.video), string(g.operator.Account)
		for name, try := range map[string]struct {
			who     account.Asker
			kind    trust.Kind
			subject string
			to      trust.Standing
			reason  string
			want    fault.Kind
		}{
			"by nobody":         {account.Asker{}, trust.Video, video, trust.Removed, "x", fault.Unauthorized},
			"by a person":       {account.Asker{Account: "acc_x"}, trust.Video, video, trust.Removed, "x", fault.Missing},
			"without a reason":  {g.operator, trust.Video, video, trust.Removed, " ", fault.Invalid},
			"at great length":   {g.operator, trust.Video, video, trust.Removed, strings.Repeat("x", trust.MaxReason+1), fault.Invalid},
			"to something else": {g.operator, trust.Video, video, "gone", "x", fault.Invalid},
			"of something else": {g.operator, "brand", video, trust.Removed, "x", fault.Invalid},
			"of nothing":        {g.operator, trust.Video, "vid_x", trust.Removed, "x", fault.Missing},
			"to what it is":     {g.operator, trust.Video, video, trust.Visible, "x", fault.Conflict},
			"of oneself":        {g.operator, trust.Account, self, trust.Removed, "x", fault.Conflict},
		} {
			if _, err := g.room.Set(ctx, try.who, try.kind, try.subject, try.to, try.reason); !fault.Is(err, try.want) {
				t.Errorf("a change %s: %v, want %s", name, err, try.want)
			}
		}
		if _, err := g.room.Undo(ctx, g.operator, "evt_x"); !fault.Is(err, fault.Missing) {
			t.Errorf("no change was taken back: %v", err)
		}
		_, undo := g.room.Undo(ctx, account.Asker{Account: "acc_x"}, "evt_x")
		_, history := g.room.History(ctx, account.Asker{Account: "acc_x"}, trust.Video, video)
		_, newest := g.room.Newest(ctx, account.Asker{Account: "acc_x"}, "", 10)
		for what, err := range map[string]error{"takes back": undo, "reads the history": history, "reads the newest": newest} {
			if !fault.Is(err, fault.Missing) {
				t.Errorf("a person %s: %v", what, err)
			}
		}
		if list, err := g.room.History(ctx, g.operator, trust.Video, video); err != nil || len(list) != 0 {
			t.Errorf("what was refused is in the history: %+v, %v", list, err)
		}
	})
}
