package order

import (
	"fmt"
	"slices"
	"strings"
)

// State is where an order, or one brand's part of it, stands.
type State string

// The states of orders and parts (API.md §7).
const (
	Placed    State = "placed"    // stock reserved, not paid
	Paid      State = "paid"      // money captured, split, held
	Shipped   State = "shipped"   // every line of the part is on its way
	Delivered State = "delivered" // every shipment of the part has arrived; the hold runs
	Completed State = "completed" // the hold has passed and the money is released
	Cancelled State = "cancelled" // called off; whatever was paid goes back
	Expired   State = "expired"   // never paid; the stock is free again
)

// table maps each state to the states it may change to. A state without successors is final.
type table[S ~string] map[S][]S

// orderStates is the life of an order; its parts have their own.
var orderStates = table[State]{
	Placed:    {Paid, Cancelled, Expired},
	Paid:      {Cancelled},
	Cancelled: {},
	Expired:   {},
}

// partStates is the life of one brand's part of an order.
var partStates = table[State]{
	Placed:    {Paid, Cancelled},
	Paid:      {Shipped, Cancelled},
	Shipped:   {Delivered},
	Delivered: {Completed},
	Completed: {},
	Cancelled: {},
}

// shipmentStates is the life of a parcel.
var shipmentStates = table[State]{Shipped: {Delivered}, Delivered: {}}

// paymentStates is the life of one attempt to pay. Money that comes for an attempt already given up
// is returned, whatever it was given up for.
var paymentStates = table[PaymentState]{
	PayCreated:    {PayStarted, PaySucceeded, PayDeclined, PayCancelled, PayReturning},
	PayStarted:    {PayCreated, PayStarted, PayRedirected, PaySucceeded, PayDeclined, PayCancelled, PayReturning},
	PayRedirected: {PayStarted, PayRedirected, PaySucceeded, PayDeclined, PayCancelled, PayReturning},
	PaySucceeded:  {PayReturning},
	PayDeclined:   {PayReturning},
	PayCancelled:  {PayReturning},
	PayReturning:  {PayRefunded},
	PayRefunded:   {},
}

// refundStates is the life of a refund: asked of the provider, who gives it or refuses.
var refundStates = table[RefundState]{RefundRequested: {RefundConfirmed, RefundFailed}, RefundConfirmed: {}, RefundFailed: {}}

// move is a change of state that the program makes: the only way to write one (a test reads the others'
// sources for it). Its SQL changes only rows that the table lets change.
type move[S ~string] struct {
	rows string // the table in SQL
	from []S
	to   S
}

// The moves, by what happens.
var (
	orderPays    = move[State]{"orders", []State{Placed}, Paid}
	orderLetGo   = move[State]{"orders", []State{Placed}, Cancelled}
	orderRunsOut = move[State]{"orders", []State{Placed}, Expired}
	orderRecalls = move[State]{"orders", []State{Paid}, Cancelled}

	partPays     = move[State]{"order_parts", []State{Placed}, Paid}
	partLetGo    = move[State]{"order_parts", []State{Placed}, Cancelled}
	partRecalls  = move[State]{"order_parts", []State{Paid}, Cancelled}
	partShips    = move[State]{"order_parts", []State{Paid}, Shipped}
	partArrives  = move[State]{"order_parts", []State{Shipped}, Delivered}
	partReleases = move[State]{"order_parts", []State{Delivered}, Completed}

	parcelArrives = move[State]{"shipments", []State{Shipped}, Delivered}

	payBegins       = move[PaymentState]{"payments", []PaymentState{PayCreated, PayStarted, PayRedirected}, PayStarted}
	payUnbegins     = move[PaymentState]{"payments", []PaymentState{PayStarted}, PayCreated}
	payPends        = move[PaymentState]{"payments", []PaymentState{PayStarted, PayRedirected}, PayStarted}
	payRedirects    = move[PaymentState]{"payments", []PaymentState{PayStarted, PayRedirected}, PayRedirected}
	paySucceeds     = move[PaymentState]{"payments", []PaymentState{PayCreated, PayStarted, PayRedirected}, PaySucceeded}
	payIsDeclined   = move[PaymentState]{"payments", []PaymentState{PayCreated, PayStarted, PayRedirected}, PayDeclined}
	payIsCancelled  = move[PaymentState]{"payments", []PaymentState{PayCreated, PayStarted, PayRedirected}, PayCancelled}
	payReturns      = move[PaymentState]{"payments", []PaymentState{PaySucceeded}, PayReturning}
	payComesLate    = move[PaymentState]{"payments", []PaymentState{PayCreated, PayStarted, PayRedirected, PayDeclined, PayCancelled}, PayReturning}
	refundIsMade    = move[RefundState]{"refunds", []RefundState{RefundRequested}, RefundConfirmed}
	refundIsRefused = move[RefundState]{"refunds", []RefundState{RefundRequested}, RefundFailed}

	payIsRefunded = move[PaymentState]{"payments", []PaymentState{PayReturning}, PayRefunded}
)

// update begins the statement that makes the move and sets what else changes; the condition on which
// rows follows behind it.
func (m move[S]) update(set string) string {
	return "UPDATE " + m.rows + " SET state = '" + string(m.to) + "', " + set + " WHERE state IN (" + quoted(m.from) + ") AND "
}

// allows reports whether the move begins at the state.
func (m move[S]) allows(from S) bool { return slices.Contains(m.from, from) }

func quoted[S ~string](states []S) string {
	list := make([]string, len(states))
	for i, s := range states {
		list[i] = "'" + string(s) + "'"
	}
	return strings.Join(list, ",")
}

// check returns an error that names every state that start cannot reach, every successor the table does
// not know, every move it does not allow, and every change that no move makes.
func (t table[S]) check(start S, moves ...move[S]) error {
	if err := t.reach(start); err != nil {
		return err
	}
	made := map[[2]S]bool{}
	for _, m := range moves {
		for _, from := range m.from {
			if !slices.Contains(t[from], m.to) {
				return fmt.Errorf("a move makes %s of %s, which the table does not allow", m.to, from)
			}
			made[[2]S{from, m.to}] = true
		}
	}
	for from, to := range t {
		for _, next := range to {
			if !made[[2]S{from, next}] {
				return fmt.Errorf("the table allows to make %s of %s, and no move does", next, from)
			}
		}
	}
	return nil
}

// reach returns an error that names every state that start cannot reach, and every successor the table
// does not know.
func (t table[S]) reach(start S) error {
	seen := map[S]bool{start: true}
	for queue := []S{start}; len(queue) > 0; queue = queue[1:] {
		for _, next := range t[queue[0]] {
			if _, known := t[next]; !known {
				return fmt.Errorf("state %s leads to %s, which the table does not know", queue[0], next)
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	var lost []string
	for s := range t {
		if !seen[s] {
			lost = append(lost, string(s))
		}
	}
	slices.Sort(lost)
	if len(lost) > 0 {
		return fmt.Errorf("states %v cannot be reached from %s", lost, start)
	}
	return nil
}

// CheckStates returns an error when a state table has a state that cannot be reached, or the program
// makes other changes than the tables say; it refuses to start with one.
func CheckStates() error {
	for what, err := range map[string]error{
		"orders":      orderStates.check(Placed, orderPays, orderLetGo, orderRunsOut, orderRecalls),
		"order parts": partStates.check(Placed, partPays, partLetGo, partRecalls, partShips, partArrives, partReleases),
		"refunds":     refundStates.check(RefundRequested, refundIsMade, refundIsRefused),
		"returns":     returnStates.check(ReturnRequested, returnIsApproved, returnIsDeclined, returnIsWithdrawn, returnIsRefunded, returnIsOpenAgain),
		"disputes":    disputeStates.check(DisputeOpen, disputeIsWon, disputeIsLost),
		"claims":      claimStates.check(ClaimOpen, claimIsProven, claimIsRefunded, claimIsWithdrawn, claimIsOpenAgain),
		"shipments":   shipmentStates.check(Shipped, parcelArrives),
		"payments":    paymentStates.check(PayCreated, payBegins, payUnbegins, payPends, payRedirects, paySucceeds, payIsDeclined, payIsCancelled, payReturns, payComesLate, payIsRefunded),
	} {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	return nil
}
