package payout

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"mezzo/internal/account"
	"mezzo/internal/db"
	"mezzo/internal/fault"
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// subjects are the sorts of movement that provider and books may tell differently, by the first word of their
// subject: what each is, and what to do where only one side has it.
var subjects = []struct{ prefix, what, advice string }{
	{"order:", "A captured payment", "Look at the order: where the provider captured more than was booked, refund the rest there; where it captured less, the order was not paid in full."},
	{"late:", "A payment that came after its order was closed", "Give it back at the provider, if it has not been already."},
	{"charge:", "A charge that no order knows", "Look for it at the provider: it was made outside Mezzo, or its order is in another database."},
	{"refund:", "A refund", "Ask the provider for it: where it was paid and is not booked, the next answer books it; where it is booked and was not paid, it fails and is booked back."},
	{"payout:", "A payout", "Look at the payout. What the provider paid and the books do not have comes with its next answer."},
	{"fee:", "A fee the provider kept", "Compare it with the provider's invoice."},
	{"transfer:", "A transfer at the provider", "Look for it at the provider by its id."},
	{"settled:", "A payment of the provider to our bank", "Look at the bank's statement: note it where it came, and ask the provider where it did not."},
	{"dispute:", "A disputed payment", "Look at the dispute."},
	{"balance", "All that the provider holds", "One of the other lines explains it, or a movement is missing in the provider's report."},
}

// SubjectWords says what sort of movement a difference is about, and what to do.
func SubjectWords(subject string) (what, advice string) {
	for _, s := range subjects {
		if strings.HasPrefix(subject, s.prefix) {
			return s.what, s.advice
		}
	}
	return "A movement", "Look for it at the provider by its name."
}

// Mark names one difference.
type Mark struct {
	Provider string         `json:"provider" maxLength:"50"`
	Subject  string         `json:"subject" maxLength:"200"`
	Currency money.Currency `json:"currency" maxLength:"3"`
}

// DifferenceNote is how an operator dealt with a difference, once.
type DifferenceNote struct {
	Mark
	Theirs money.Amount `json:"provider_amount"`
	Ours   money.Amount `json:"book_amount"`
	Note   string       `json:"note"`
	MadeBy string       `json:"made_by"`
	At     time.Time    `json:"at"`
}

// SettleDifference notes that an operator has dealt with a difference, and how: it leaves the list until either
// side changes, and the note stays for good. Missing when it is not open.
func (p *Payouts) SettleDifference(ctx context.Context, who account.Asker, m Mark, note string) (DifferenceNote, error) {
	if err := operatorInPerson(who); err != nil {
		return DifferenceNote{}, err
	}
	note = strings.Join(strings.Fields(note), " ")
	if n := utf8.RuneCountInString(note); n < 3 || n > 300 || !utf8.ValidString(note) || strings.ContainsRune(note, 0) {
		return DifferenceNote{}, fault.InvalidField("body.note", "Say in 3 to 300 characters how it was dealt with.")
	}
	return db.Do(ctx, p.db, func(tx *db.Tx) (DifferenceNote, error) {
		out := DifferenceNote{Mark: m, Note: note, MadeBy: who.Actor(), At: tx.Now()}
		n, err := tx.Exec(`UPDATE differences SET settled_at = $1, settled_by = $2, note = $3 WHERE provider = $4 AND subject = $5 AND currency = $6 AND settled_at = 0`,
			db.Micros(out.At), out.MadeBy, note, m.Provider, m.Subject, string(m.Currency))
		if err != nil {
			return out, err
		}
		if n == 0 {
			return out, fault.New(fault.Missing, "There is no such open difference.")
		}
		err = tx.Row(`SELECT provider_minor, book_minor FROM differences WHERE provider = $1 AND subject = $2 AND currency = $3`, m.Provider, m.Subject, string(m.Currency)).Scan(&out.Theirs.Minor, &out.Ours.Minor)
		if err != nil {
			return out, err
		}
		out.Theirs.Currency, out.Ours.Currency = m.Currency, m.Currency
		_, err = tx.Exec(`INSERT INTO difference_notes (id, provider, subject, currency, provider_minor, book_minor, note, made_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			string(id.Notice("").Next(out.At)), m.Provider, m.Subject, string(m.Currency), out.Theirs.Minor, out.Ours.Minor, note, out.MadeBy, db.Micros(out.At))
		return out, err
	})
}
