package payout

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"database/sql"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Bounds of the files.
const (
	maxBatch   = 1000    // payouts of one file
	MaxResults = 1 << 20 // bytes of a file of results
	maxResults = 5000    // lines of it
)

// Batch is a file of payouts handed to the bank.
type Batch struct {
	ID        id.Batch  `json:"id"`
	Payouts   int64     `json:"payouts"`
	MadeBy    string    `json:"made_by"`
	CreatedAt time.Time `json:"created_at"`
}

func scanBatch(r *sql.Rows) (b Batch, err error) {
	var at int64
	err = r.Scan(&b.ID, &b.Payouts, &b.MadeBy, &at)
	b.CreatedAt = db.Time(at)
	return b, err
}

// Hand puts every payout that waits for the bank into a file and notes that they are sent: none is in two
// files. Conflict: none waits.
func (p *Payouts) Hand(ctx context.Context, who account.Asker) (Batch, error) {
	if err := operatorInPerson(who); err != nil {
		return Batch{}, err
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (Batch, error) {
		list, err := payoutsOf(tx, `state = 'created' AND rail = 'manual' AND approved >= approvals ORDER BY id LIMIT CAST($1 AS INTEGER)`, maxBatch)
		if err != nil {
			return Batch{}, err
		}
		b := Batch{MadeBy: who.Actor(), CreatedAt: tx.Now()}
		b.ID = b.ID.Next(tx.Now())
		for _, x := range list {
			moved, err := p.move(tx, x, Answer{State: Sent})
			if err != nil {
				return Batch{}, err
			}
			if moved {
				b.Payouts++
				if _, err := tx.Exec(`UPDATE payouts SET batch = $1, ask_at = 0 WHERE id = $2`, string(b.ID), string(x.ID)); err != nil {
					return Batch{}, err
				}
			}
		}
		if b.Payouts == 0 {
			return Batch{}, fault.New(fault.Conflict, "No payout waits for the bank.").WithType("nothing_to_send")
		}
		_, err = tx.Exec(`INSERT INTO payout_batches (id, made_by, payouts, created_at) VALUES ($1, $2, $3, $4)`, string(b.ID), b.MadeBy, b.Payouts, db.Micros(tx.Now()))
		return b, err
	})
}

// Batches lists the files, newest first after the one named.
func (p *Payouts) Batches(ctx context.Context, who account.Asker, after id.Batch, limit int) ([]Batch, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Batch, error) {
		return db.All(tx, scanBatch, `SELECT id, payouts, made_by, created_at FROM payout_batches WHERE $1 = '' OR id < $1 ORDER BY id DESC LIMIT CAST($2 AS INTEGER)`, string(after), limit)
	})
}

// Batch returns a batch with its payouts.
func (p *Payouts) Batch(ctx context.Context, who account.Asker, batch id.Batch) (Batch, []Seen, error) {
	if err := who.IsOperator(); err != nil {
		return Batch{}, nil, err
	}
	var b Batch
	seen, err := db.Get(ctx, p.db, func(tx *db.Tx) ([]Seen, error) {
		found, err := db.All(tx, scanBatch, `SELECT id, payouts, made_by, created_at FROM payout_batches WHERE id = $1`, string(batch))
		if err == nil && len(found) == 0 {
			err = fault.New(fault.Missing, "There is no such file.")
		}
		if err != nil {
			return nil, err
		}
		b = found[0]
		list, err := payoutsOf(tx, `batch = $1 ORDER BY id`, string(batch))
		seen := make([]Seen, 0, len(list))
		for _, x := range list {
			s, err := seenOf(tx, x)
			if err != nil {
				return nil, err
			}
			seen = append(seen, s)
		}
		return seen, err
	})
	return b, seen, err
}

// File returns the file of a batch: the same whenever it is asked for. It names accounts in full, so only an
// operator in person gets it.
func (p *Payouts) File(ctx context.Context, who account.Asker, batch id.Batch) (string, error) {
	if err := operatorInPerson(who); err != nil {
		return "", err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) (string, error) {
		list, err := payoutsOf(tx, `batch = $1 AND batch <> '' ORDER BY id`, string(batch))
		if err != nil {
			return "", err
		}
		if len(list) == 0 {
			return "", fault.New(fault.Missing, "There is no such file.")
		}
		out := newSheet("payout_id", "amount", "currency", "holder", "account", "bank_code", "bank_name", "reference")
		for _, x := range list {
			to, err := p.accountOf(tx, string(x.Destination))
			if err != nil {
				return "", err
			}
			out.row(string(x.ID), x.Net.Decimal(), string(x.Net.Currency), to.Holder, to.Number, to.Bank, to.Name, "Mezzo "+string(x.ID[len(x.ID)-8:]))
		}
		return out.String(), nil
	})
}

// Result is what became of one line of a file of results.
type Result struct {
	Line   int       `json:"line"`
	Payout id.Payout `json:"payout_id,omitempty"`
	State  State     `json:"state,omitempty"`
	Did    string    `json:"did" enum:"applied,repeated,refused"`
	Says   string    `json:"reason,omitempty"`

	Amount money.Amount `json:"-"`
}

// Results is what became of a file.
type Results struct {
	Applied  int      `json:"applied"`
	Repeated int      `json:"repeated"`
	Refused  int      `json:"refused"`
	Lines    []Result `json:"lines" nullable:"false"`
}

// resultHeads are the columns of a file of results; the last two may be missing.
var resultHeads = []string{"payout_id", "state", "amount", "currency", "reference", "reason"}

// Read takes a CSV of what came of payouts: payout_id, state (confirmed, failed, returned), amount, currency, and
// perhaps reference and reason. Each line is taken by itself: one that fits is applied once, however often the file
// is read; one that does not is refused, said, and kept on the list of unmatched lines.
func (p *Payouts) Read(ctx context.Context, who account.Asker, file []byte) (Results, error) {
	return p.read(ctx, who, file, true)
}

// Preview says what Read would do with each line, and changes nothing.
func (p *Payouts) Preview(ctx context.Context, who account.Asker, file []byte) (Results, error) {
	return p.read(ctx, who, file, false)
}

func (p *Payouts) read(ctx context.Context, who account.Asker, file []byte, apply bool) (Results, error) {
	if err := operatorInPerson(who); err != nil {
		return Results{}, err
	}
	rows, err := parseResults(file)
	if err != nil {
		return Results{}, err
	}
	sum := sha256.Sum256(file)
	name := hex.EncodeToString(sum[:8])
	out := Results{Lines: []Result{}}
	said := map[id.Payout]State{}
	for _, r := range rows {
		res := Result{Line: r.line, Payout: r.payout, State: r.state, Amount: r.amount, Did: "refused", Says: r.wrong}
		before, twice := said[r.payout]
		if res.Says == "" && twice && before != r.state {
			res.Says = "The file says " + string(before) + " of it in another line: only one can be."
		}
		if res.Says == "" {
			if res.Did, res.Says, err = p.verdict(ctx, r, apply); err != nil {
				return out, err
			}
			if twice && !apply && res.Did == "applied" {
				res.Did = "repeated"
			}
			said[r.payout] = r.state
		}
		switch res.Did {
		case "applied":
			out.Applied++
		case "repeated":
			out.Repeated++
		default:
			out.Refused++
			if !apply {
				break
			}
			if err := p.unmatched(ctx, who, name, r, res.Says); err != nil {
				return out, err
			}
		}
		out.Lines = append(out.Lines, res)
	}
	return out, nil
}

// resultRow is one line as it was read.
type resultRow struct {
	line              int
	text              string
	payout            id.Payout
	state             State
	amount            money.Amount
	reference, reason string
	wrong             string
}

// parseResults reads the file: with or without a byte order mark, ended by LF or CRLF, its columns in any order.
func parseResults(file []byte) ([]resultRow, error) {
	if len(file) > MaxResults {
		return nil, fault.New(fault.TooLarge, "A file of results has at most 1 MB.")
	}
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	r := csv.NewReader(bytes.NewReader(file))
	r.FieldsPerRecord = -1
	heads, err := r.Read()
	if err != nil {
		return nil, fault.New(fault.Invalid, "The file is no CSV with a line of heads: %s.", strings.Join(resultHeads, ","))
	}
	at := map[string]int{}
	for i, h := range heads {
		h = strings.ToLower(strings.TrimSpace(h))
		if _, twice := at[h]; twice && slices.Contains(resultHeads, h) {
			return nil, fault.New(fault.Invalid, "The column %s is there twice.", h)
		}
		at[h] = i
	}
	for _, h := range resultHeads[:4] {
		if _, there := at[h]; !there {
			return nil, fault.New(fault.Invalid, "The column %s is missing. The heads are: %s; the last two may be left out. Save it with commas.", h, strings.Join(resultHeads, ","))
		}
	}
	var rows []resultRow
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fault.New(fault.Invalid, "The file cannot be read as CSV: %v. Nothing was taken from it.", err)
		}
		line, _ := r.FieldPos(0)
		if len(rows) == maxResults {
			return nil, fault.New(fault.TooLarge, "A file of results has at most %d lines.", maxResults)
		}
		rows = append(rows, readResult(line, cells, at))
	}
}

func readResult(line int, cells []string, at map[string]int) resultRow {
	cell := func(name string) string {
		if i, ok := at[name]; ok && i < len(cells) {
			return bare(cells[i])
		}
		return ""
	}
	row := resultRow{line: line, text: strings.Join(cells, ","), payout: id.Payout(cell("payout_id")), state: State(strings.ToLower(cell("state"))),
		reference: cut(cell("reference"), 100), reason: cut(cell("reason"), 200)}
	var err error
	row.amount, err = money.Parse(cell("amount"), money.Currency(strings.ToUpper(cell("currency"))))
	switch {
	case !row.payout.Valid():
		row.payout, row.wrong = "", "It names no payout: payout_id begins with pot_."
	case row.state != Confirmed && row.state != Failed && row.state != Returned:
		row.state, row.wrong = "", "Its state is none of confirmed, failed and returned."
	case err != nil:
		row.wrong = "Its amount cannot be read: write 1234.50 with a point, and the currency's code."
	}
	return row
}

func cut(s string, most int) string {
	s = strings.ToValidUTF8(s, "")
	if r := []rune(s); len(r) > most {
		s = string(r[:most])
	}
	return s
}

// verdict says whether a line fits its payout, and records it where it does and apply says so.
func (p *Payouts) verdict(ctx context.Context, r resultRow, apply bool) (did, says string, err error) {
	now, err := db.Get(ctx, p.db, func(tx *db.Tx) (Payout, error) { return payoutOf(tx, r.payout) })
	switch {
	case fault.Is(err, fault.Missing):
		return "refused", "There is no such payout.", nil
	case err != nil:
		return "", "", err
	case now.Rail != manualRail || now.Batch == "":
		return "refused", "This payout was never handed to the bank in a file.", nil
	case now.Net != r.amount:
		return "refused", fmt.Sprintf("The payout is of %s, and the line of %s.", now.Net, r.amount), nil
	case now.State == r.state:
		return "repeated", "", nil
	}
	done := r.state == Returned && now.State == Sent || slices.Contains(follows[r.state], now.State)
	if apply && done {
		if done, err = p.record(ctx, r.payout, Answer{State: r.state, Reference: r.reference, Reason: r.reason}); err != nil {
			return "", "", err
		}
	}
	if !done {
		return "refused", fmt.Sprintf("The payout is %s already; it cannot become %s.", now.State, r.state), nil
	}
	return "applied", "", nil
}

// unmatched keeps a line that fits nothing, once for each file and line.
func (p *Payouts) unmatched(ctx context.Context, who account.Asker, file string, r resultRow, says string) error {
	return p.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO payout_unmatched (id, file, line, text, reason, read_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (file, line) DO NOTHING`,
			string(id.Notice("").Next(tx.Now())), file, r.line, cut(strings.ReplaceAll(r.text, "\x00", ""), 500), says, who.Actor(), db.Micros(tx.Now()))
		return err
	})
}

// Unmatched is a line of a file of results that fits no payout.
type Unmatched struct {
	ID     id.Notice `json:"id"`
	File   string    `json:"file"`
	Line   int64     `json:"line"`
	Text   string    `json:"text"`
	Reason string    `json:"reason"`
	ReadBy string    `json:"read_by"`
	ReadAt time.Time `json:"read_at"`
}

// UnmatchedLines lists the lines nobody has dealt with yet, newest first.
func (p *Payouts) UnmatchedLines(ctx context.Context, who account.Asker, limit int) ([]Unmatched, error) {
	if err := who.IsOperator(); err != nil {
		return nil, err
	}
	return db.Get(ctx, p.db, func(tx *db.Tx) ([]Unmatched, error) {
		return db.All(tx, func(r *sql.Rows) (u Unmatched, err error) {
			var at int64
			err = r.Scan(&u.ID, &u.File, &u.Line, &u.Text, &u.Reason, &u.ReadBy, &at)
			u.ReadAt = db.Time(at)
			return u, err
		}, `SELECT id, file, line, text, reason, read_by, created_at FROM payout_unmatched WHERE settled_at = 0 ORDER BY id DESC LIMIT CAST($1 AS INTEGER)`, limit)
	})
}

// SettleUnmatched takes a line off the list: an operator has dealt with it.
func (p *Payouts) SettleUnmatched(ctx context.Context, who account.Asker, line id.Notice) error {
	if err := operatorInPerson(who); err != nil {
		return err
	}
	return p.db.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE payout_unmatched SET settled_by = $1, settled_at = $2 WHERE id = $3 AND settled_at = 0`, who.Actor(), db.Micros(tx.Now()), string(line))
		if err == nil && n == 0 {
			err = fault.New(fault.Missing, "There is no such open line.")
		}
		return err
	})
}
