package affiliate

import (
	"cmp"
	"database/sql"
	"slices"
	"time"

	"mezzo/internal/db"
	"mezzo/internal/event"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// CommissionState is where a commission stands.
type CommissionState string

// The states: held until the part's hold has passed, then the creator's, then paid out; or taken back.
const (
	Pending   CommissionState = "pending"
	Available CommissionState = "available"
	PaidOut   CommissionState = "paid"
	Reversed  CommissionState = "reversed"
)

// Reversal says why commissions are taken back.
type Reversal string

// The reversals: a fixed list, because the log is told of them.
const (
	OrderCancelled Reversal = "cancelled"
	OrderRefunded  Reversal = "refunded"
)

// Sentence returns the reversal in words for people.
func (r Reversal) Sentence() string {
	if r == OrderRefunded {
		return "The buyer got the money for it back."
	}
	return "The order was cancelled before it was sent."
}

// NewCommission is what one line earned a creator, as it was frozen at the sale.
type NewCommission struct {
	Order   id.Order
	Part    id.Part
	Line    id.Line
	Creator id.Creator
	Brand   id.Brand
	Program id.Program
	Product id.Product
	Video   id.Video // the content the winning touch came from, "" without one
	Base    money.Amount
	Rate    money.Bps
	Amount  money.Amount
	Touch   *event.SaleTouch // the winning one, where the order was paid before it was known
}

// Commission is what a line earned a creator, and where that stands.
type Commission struct {
	ID         id.Commission   `json:"id"`
	Order      id.Order        `json:"order_id"`
	Part       id.Part         `json:"part_id"`
	Line       id.Line         `json:"line_id"`
	Creator    id.Creator      `json:"creator_id"`
	Brand      id.Brand        `json:"brand_id"`
	Program    id.Program      `json:"program_id"`
	Product    id.Product      `json:"product_id"`
	Video      id.Video        `json:"video_id,omitempty"`
	Base       money.Amount    `json:"base"`
	Rate       money.Bps       `json:"commission_bps"`
	Amount     money.Amount    `json:"amount"`
	Reversed   money.Amount    `json:"reversed" doc:"What refunds have taken back of it; the rest is the creator's"`
	Disputed   money.Amount    `json:"disputed" doc:"Of the rest, held until a bank has decided on a dispute"`
	State      CommissionState `json:"state"`
	Reason     string          `json:"reason,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	ReleaseAt  time.Time       `json:"release_at,omitzero"` // when the hold ends; unknown until delivery
	ReleasedAt time.Time       `json:"released_at,omitzero"`
	ReversedAt time.Time       `json:"reversed_at,omitzero"`
}

const commissionColumns = `id, order_id, part_id, line_id, creator_id, brand_id, program_id, product_id, video_id, currency, base_minor, rate_bps, amount_minor,
	reversed_minor, disputed_minor, state, reason, created_at, release_at, released_at, reversed_at`

func scanCommission(rows *sql.Rows) (c Commission, err error) {
	var created, release, released, reversed int64
	err = rows.Scan(&c.ID, &c.Order, &c.Part, &c.Line, &c.Creator, &c.Brand, &c.Program, &c.Product, &c.Video, &c.Amount.Currency,
		&c.Base.Minor, &c.Rate, &c.Amount.Minor, &c.Reversed.Minor, &c.Disputed.Minor, &c.State, &c.Reason, &created, &release, &released, &reversed)
	c.Base.Currency, c.Reversed.Currency, c.Disputed.Currency = c.Amount.Currency, c.Amount.Currency, c.Amount.Currency
	c.CreatedAt, c.ReleaseAt, c.ReleasedAt, c.ReversedAt = db.Time(created), db.Time(release), db.Time(released), db.Time(reversed)
	return c, err
}

// CreateCommissions stores what an order's lines earned, pending, in the paying transaction.
func CreateCommissions(tx *db.Tx, list []NewCommission) ([]Commission, error) {
	if len(list) == 0 {
		return nil, nil
	}
	now := tx.Now()
	made := make([]Commission, len(list))
	var rows db.Values
	for i, n := range list {
		var cid id.Commission
		made[i] = Commission{ID: cid.Next(now), Order: n.Order, Part: n.Part, Line: n.Line, Creator: n.Creator, Brand: n.Brand, Program: n.Program,
			Product: n.Product, Video: n.Video, Base: n.Base, Rate: n.Rate, Amount: n.Amount, Reversed: money.Of(0, n.Amount.Currency), Disputed: money.Of(0, n.Amount.Currency), State: Pending, CreatedAt: now}
		rows.Row(string(made[i].ID), string(n.Order), string(n.Part), string(n.Line), string(n.Creator), string(n.Brand), string(n.Program), string(n.Product),
			string(n.Video), string(n.Amount.Currency), n.Base.Minor, int64(n.Rate), n.Amount.Minor, string(Pending), db.Micros(now))
	}
	_, err := tx.Exec(`INSERT INTO commissions (id, order_id, part_id, line_id, creator_id, brand_id, program_id, product_id, video_id, currency, base_minor, rate_bps, amount_minor, state, created_at)
		VALUES `+rows.Text(), rows.Args()...)
	if err != nil {
		return nil, err
	}
	for i := range made {
		state := made[i].fact()
		if state.Touch = list[i].Touch; state.Touch != nil {
			state.Room = state.Touch.Room
		}
		if err := event.Emit(tx, event.CommissionCreated{CommissionState: state}); err != nil {
			return nil, err
		}
	}
	return made, spend(tx, made)
}

// Left returns what of a commission refunds have not taken back.
func (c *Commission) Left() money.Amount {
	return money.Of(c.Amount.Minor-c.Reversed.Minor, c.Amount.Currency)
}

// fact is what the log is told of a commission.
func (c *Commission) fact() event.CommissionState {
	return event.CommissionState{Commission: c.ID, Order: c.Order, Part: c.Part, Line: c.Line, Creator: c.Creator, Brand: c.Brand, Program: c.Program,
		Product: c.Product, Video: c.Video, Base: c.Base, Rate: c.Rate, Amount: c.Amount, EarnedAt: c.CreatedAt}
}

// clickedAt returns when the touches were that won the commissions' lines: their numbers count there.
func clickedAt(tx *db.Tx, list []Commission) (map[id.Line]time.Time, error) {
	if len(list) == 0 {
		return nil, nil
	}
	lines := make([]id.Line, len(list))
	for i := range list {
		lines[i] = list[i].Line
	}
	in, args := db.In(1, lines)
	at := make(map[id.Line]time.Time, len(list))
	_, err := db.All(tx, func(r *sql.Rows) (struct{}, error) {
		var line id.Line
		var micros int64
		err := r.Scan(&line, &micros)
		at[line] = db.Time(micros)
		return struct{}{}, err
	}, `SELECT a.line_id, t.at FROM attributions a JOIN touches t ON t.id = a.touch_id WHERE a.line_id IN `+in, args...)
	return at, err
}

// ScheduleCommissions notes when the hold of a part's commissions ends: it was delivered.
func ScheduleCommissions(tx *db.Tx, part id.Part, releaseAt time.Time) error {
	_, err := tx.Exec(`UPDATE commissions SET release_at = $1 WHERE part_id = $2 AND state = 'pending'`, db.Micros(releaseAt), string(part))
	return err
}

// ReleaseCommissions makes the parts' pending commissions available and returns them, by line. It is
// harmless to repeat: what is released already is not returned again.
func ReleaseCommissions(tx *db.Tx, parts ...id.Part) ([]Commission, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	in, args := db.In(2, parts)
	freed, err := byLine(db.All(tx, scanCommission, `UPDATE commissions SET state = 'available', released_at = $1
		WHERE state = 'pending' AND part_id IN `+in+` RETURNING `+commissionColumns, append([]any{db.Micros(tx.Now())}, args...)...))
	if err != nil {
		return nil, err
	}
	clicked, err := clickedAt(tx, freed)
	if err != nil {
		return nil, err
	}
	for i := range freed {
		freed[i].Amount = freed[i].Left() // what refunds have left of it
		state := freed[i].fact()
		state.ClickedAt = clicked[freed[i].Line]
		if err := event.Emit(tx, event.CommissionReleased{CommissionState: state}); err != nil {
			return nil, err
		}
	}
	return freed, nil
}

// ReverseCommissions takes back what is left of the lines' commissions that are not paid out, and returns
// them as they were before: State tells whether the money was pending or available, Amount what was left.
func ReverseCommissions(tx *db.Tx, lines []id.Line, why Reversal) ([]Commission, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	in, args := db.In(1, lines)
	before, err := byLine(db.All(tx, scanCommission, `SELECT `+commissionColumns+` FROM commissions WHERE state IN ('pending','available') AND line_id IN `+in, args...))
	if err != nil || len(before) == 0 {
		return nil, err
	}
	in, args = db.In(3, lines)
	_, err = tx.Exec(`UPDATE commissions SET state = 'reversed', reversed_minor = amount_minor, reason = $1, reversed_at = $2 WHERE state IN ('pending','available') AND line_id IN `+in,
		append([]any{why.Sentence(), db.Micros(tx.Now())}, args...)...)
	if err != nil {
		return nil, err
	}
	clicked, err := clickedAt(tx, before)
	if err != nil {
		return nil, err
	}
	for i := range before {
		before[i].Amount = before[i].Left() // refunds have taken the rest
		state := before[i].fact()
		state.ClickedAt = clicked[before[i].Line]
		if err := event.Emit(tx, event.CommissionReversed{CommissionState: state, Released: before[i].State == Available, Reason: string(why)}); err != nil {
			return nil, err
		}
	}
	return before, unspend(tx, before, 1)
}

func byLine(list []Commission, err error) ([]Commission, error) {
	slices.SortFunc(list, func(a, b Commission) int { return cmp.Compare(a.Line, b.Line) })
	return list, err
}
