package order

import (
	"fmt"
	"sort"
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
type table map[State][]State

// orderStates is the life of an order; its parts have their own.
var orderStates = table{
	Placed:    {Paid, Cancelled, Expired},
	Paid:      {Cancelled},
	Cancelled: {},
	Expired:   {},
}

// partStates is the life of one brand's part of an order.
var partStates = table{
	Placed:    {Paid, Cancelled},
	Paid:      {Shipped, Cancelled},
	Shipped:   {Delivered},
	Delivered: {Completed},
	Completed: {},
	Cancelled: {},
}

// may reports whether the table allows the change.
func (t table) may(from, to State) bool {
	for _, s := range t[from] {
		if s == to {
			return true
		}
	}
	return false
}

// check returns an error that names every state that start cannot reach,
// and every successor the table does not know.
func (t table) check(start State) error {
	seen := map[State]bool{start: true}
	for queue := []State{start}; len(queue) > 0; queue = queue[1:] {
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
	sort.Strings(lost)
	if len(lost) > 0 {
		return fmt.Errorf("states %v cannot be reached from %s", lost, start)
	}
	return nil
}

// CheckStates returns an error when a state table has a state that cannot be reached;
// the program refuses to start with one.
func CheckStates() error {
	if err := orderStates.check(Placed); err != nil {
		return fmt.Errorf("orders: %w", err)
	}
	if err := partStates.check(Placed); err != nil {
		return fmt.Errorf("order parts: %w", err)
	}
	return nil
}
