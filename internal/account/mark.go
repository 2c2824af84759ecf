package account

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"slices"
	"strings"
	"unicode"

	"mezzo/internal/db"
	"mezzo/internal/id"
)

// MarkKind is what sort of thing a person is known by beside their account.
type MarkKind string

// The kinds of mark.
const (
	MarkAddress    MarkKind = "address"    // where parcels go
	MarkPhone      MarkKind = "phone"      // as typed with an address
	MarkDevice     MarkKind = "device"     // the browser or app, by its viewer
	MarkInstrument MarkKind = "instrument" // a card or bank account, to pay by or to be paid on
)

// Mark is one thing a person is known by, as a hash: two people who share one are taken for the same where
// somebody might earn by their own purchases. Nothing can be read back from it, and nobody is shown one.
type Mark struct {
	Kind MarkKind `json:"kind"`
	Hash string   `json:"hash"`
}

// NewMark hashes what parts say together: letters and digits only, in lower case, so that spelling and
// spaces do not matter. ok is false when nothing is left to know anybody by.
func NewMark(kind MarkKind, parts ...string) (m Mark, ok bool) {
	var b strings.Builder
	b.WriteString(string(kind))
	for _, part := range parts {
		b.WriteByte(0)
		for _, r := range strings.ToLower(part) {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				b.WriteRune(r)
				ok = true
			}
		}
	}
	sum := sha256.Sum256([]byte(b.String()))
	return Mark{Kind: kind, Hash: hex.EncodeToString(sum[:])}, ok
}

// AddMarks notes what a person is known by; what is known already stays.
func AddMarks(tx *db.Tx, person id.Account, marks ...Mark) error {
	if person == "" || len(marks) == 0 {
		return nil
	}
	var rows db.Values
	marks = slices.Clone(marks)
	slices.SortFunc(marks, func(a, b Mark) int { return strings.Compare(a.Hash, b.Hash) }) // one order for all, against deadlocks
	for _, m := range slices.Compact(marks) {
		rows.Row(string(person), string(m.Kind), m.Hash, db.Micros(tx.Now()))
	}
	_, err := tx.Exec(`INSERT INTO account_marks (account_id, kind, mark, first_at) VALUES `+rows.Text()+` ON CONFLICT (kind, mark, account_id) DO NOTHING`, rows.Args()...)
	return err
}

// Buyer is what is known of who buys.
type Buyer struct {
	Account  id.Account
	Viewer   id.Viewer
	EmailKey string
	Marks    []Mark
}

// SameAs returns the accounts that are the buyer's by any of what is known: the account itself, the e-mail
// address, the browser's owner, and every account that shares a mark, also one the buyer's account was known
// by before.
func SameAs(tx *db.Tx, b Buyer) ([]id.Account, error) {
	marks := slices.Clone(b.Marks)
	if device, ok := NewMark(MarkDevice, string(b.Viewer)); ok {
		marks = append(marks, device)
	}
	args := []any{string(b.Account), b.EmailKey, string(b.Viewer)}
	q := `SELECT id FROM accounts WHERE id = $1 OR (email_key = $2 AND email_key <> '') UNION SELECT account_id FROM viewers WHERE id = $3
		UNION SELECT o.account_id FROM account_marks m JOIN account_marks o ON o.kind = m.kind AND o.mark = m.mark WHERE m.account_id = $1`
	if len(marks) > 0 {
		hashes := make([]string, len(marks))
		for i, m := range marks {
			hashes[i] = m.Hash
		}
		in, more := db.In(4, hashes)
		// A hash holds its kind; the kinds are named for the index.
		q += ` UNION SELECT account_id FROM account_marks WHERE kind IN ('address','phone','device','instrument') AND mark IN ` + in
		args = append(args, more...)
	}
	return db.All(tx, func(r *sql.Rows) (a id.Account, err error) { return a, r.Scan(&a) }, q, args...)
}
