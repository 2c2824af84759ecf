package reach

import (
	"context"
	"database/sql"
	"encoding/json"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// disputes reads disputes with the video's words and its creator's name.
func disputes(tx *db.Tx, where string, args ...any) ([]Dispute, error) {
	return db.All(tx, func(r *sql.Rows) (d Dispute, err error) {
		var stood string
		var made, answered int64
		if err := r.Scan(&d.ID, &d.Video, &d.Caption, &d.Creator, &d.By, &d.Reason, &stood, &made, &d.Answer, &answered); err != nil {
			return d, err
		}
		d.MadeAt = db.Time(made)
		if answered > 0 {
			at := db.Time(answered)
			d.Answered = &at
		}
		return d, json.Unmarshal([]byte(stood), &d.Stood)
	}, `SELECT d.id, d.video_id, v.caption, d.creator_id, c.display_name, d.reason, d.stood, d.made_at, d.answer, d.answered_at
		FROM reach_disputes d JOIN videos v ON v.id = d.video_id JOIN creators c ON c.id = d.creator_id WHERE `+where, args...)
}

// Contest keeps what a creator holds against how their video was distributed, with how it stood. Conflict:
// one is open already. Missing: it is not their video.
func (r *Reach) Contest(ctx context.Context, who account.Asker, v id.Video, reason string) (Dispute, error) {
	if err := who.IsCreator(); err != nil {
		return Dispute{}, err
	}
	reason, err := reasonOf(reason, "reason", "Say what you think is wrong: the operator reads it")
	if err != nil {
		return Dispute{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Dispute, error) {
		mine, err := videoOf(tx, v)
		if err == nil && mine.creator != who.Creator {
			err = fault.New(fault.Missing, "There is no such video.")
		}
		if err != nil {
			return Dispute{}, err
		}
		d := Distribution{Video: v}
		r.stands(&d, mine.category, false)
		stood, err := json.Marshal(d.Words)
		if err != nil {
			return Dispute{}, err
		}
		var made id.Event
		name := string(made.Next(tx.Now()))
		n, err := tx.Exec(`INSERT INTO reach_disputes (id, video_id, creator_id, account_id, reason, stood, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			name, v, mine.creator, who.Account, reason, string(stood), db.Micros(tx.Now()))
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "You have a question about this video that is not answered yet. The answer will stand on this page.").WithType("wrong_state")
		}
		if err != nil {
			return Dispute{}, err
		}
		return disputeOf(tx, name)
	})
}

func disputeOf(tx *db.Tx, name string) (Dispute, error) {
	list, err := disputes(tx, `d.id = $1`, name)
	if err == nil && len(list) == 0 {
		err = fault.New(fault.Missing, "There is no such dispute.")
	}
	if err != nil {
		return Dispute{}, err
	}
	return list[0], nil
}

// Answer answers a dispute, once; its creator reads it. Conflict: it is answered.
func (r *Reach) Answer(ctx context.Context, who account.Asker, dispute, answer string) (Dispute, error) {
	if err := who.IsOperator(); err != nil {
		return Dispute{}, err
	}
	answer, err := reasonOf(answer, "answer", "Write the answer: the creator reads it")
	if err != nil {
		return Dispute{}, err
	}
	return db.Do(ctx, r.db, func(tx *db.Tx) (Dispute, error) {
		if _, err := disputeOf(tx, dispute); err != nil {
			return Dispute{}, err
		}
		n, err := tx.Exec(`UPDATE reach_disputes SET answer = $1, answered_by = $2, answered_at = $3 WHERE id = $4 AND answered_at = 0`, answer, who.Actor(), db.Micros(tx.Now()), dispute)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "It is answered already.").WithType("wrong_state")
		}
		if err != nil {
			return Dispute{}, err
		}
		return disputeOf(tx, dispute)
	})
}

// Disputes returns disputes, the newest first, from after one: those open, or those answered. For the operator.
func (r *Reach) Disputes(ctx context.Context, who account.Asker, answered bool, after string, limit int) ([]Dispute, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	where := `d.answered_at = 0`
	if answered {
		where = `d.answered_at > 0`
	}
	return db.Get(ctx, r.db, func(tx *db.Tx) ([]Dispute, error) {
		return disputes(tx, where+` AND (CAST($1 AS TEXT) = '' OR d.id < $1) ORDER BY d.id DESC LIMIT $2`, after, int64(limit))
	})
}

// Erase takes a person's words out of their disputes; account calls it while it erases them.
func Erase(tx *db.Tx, person id.Account) error {
	_, err := tx.Exec(`UPDATE reach_disputes SET reason = '', account_id = '' WHERE account_id = $1`, person)
	return err
}

// Export returns a person's disputes, for the export of what is kept of them.
func Export(tx *db.Tx, person id.Account) (any, error) {
	list, err := disputes(tx, `d.account_id = $1 ORDER BY d.id`, string(person))
	return append([]Dispute{}, list...), err
}
