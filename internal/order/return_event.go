package order

import (
	"mezzo/internal/db"
	"mezzo/internal/event"
)

// state is the return as the log is told of it.
func (r *Return) state(full *Order) event.ReturnState {
	s := event.ReturnState{Return: r.ID, Order: r.Order, Part: r.Part, Brand: r.Brand, Keeps: r.Keeps, Lines: []event.ReturnUnits{}}
	for _, u := range r.Lines {
		if l := full.line(u.Line); l != nil {
			s.Lines = append(s.Lines, event.ReturnUnits{Line: u.Line, Product: l.Product, Variant: l.Variant, Quantity: u.Quantity})
		}
	}
	return s
}

// tellDecided tells the log what was decided of a return, and that its goods are back where that came with it, and not
// with a refund that failed before.
func (r *Return) tellDecided(tx *db.Tx, full *Order, by refunder, again bool) error {
	s, silent := r.state(full), by.actor == platformActor
	switch r.State {
	case ReturnApproved:
		return event.Emit(tx, event.ReturnApproved{ReturnState: s, BySilence: silent})
	case ReturnDeclined:
		return event.Emit(tx, event.ReturnDeclined{ReturnState: s})
	case ReturnRefunded:
		if !r.Keeps && !again {
			if err := event.Emit(tx, event.ReturnReceived{ReturnState: s, BySilence: silent}); err != nil {
				return err
			}
		}
		return event.Emit(tx, event.ReturnRefunded{ReturnState: s, Refund: r.Refund})
	}
	return nil
}
