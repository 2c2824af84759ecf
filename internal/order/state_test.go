package order

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestStateTables(t *testing.T) {
	if err := CheckStates(); err != nil {
		t.Fatal(err)
	}
	pays := move[State]{"orders", []State{Placed}, Paid}
	for what, err := range map[string]error{
		"an unreachable state":         (table[State]{Placed: {Paid}, Paid: {}, Shipped: {}}).check(Placed, pays),
		"an unknown successor":         (table[State]{Placed: {Paid}}).check(Placed, pays),
		"a move the table knows not":   (table[State]{Placed: {Paid}, Paid: {}}).check(Placed, pays, move[State]{"orders", []State{Paid}, Placed}),
		"a change that nothing makes":  (table[State]{Placed: {Paid, Expired}, Paid: {}, Expired: {}}).check(Placed, pays),
		"a move from a foreign state":  (table[State]{Placed: {Paid}, Paid: {}}).check(Placed, pays, move[State]{"orders", []State{Shipped}, Paid}),
		"nothing at all, with a state": (table[State]{Placed: {Paid}, Paid: {}}).check(Placed),
	} {
		if err == nil {
			t.Errorf("%s passed", what)
		}
	}
	if got := partRecalls.update("a = $1") + "id = $2"; got != "UPDATE order_parts SET state = 'cancelled', a = $1 WHERE state IN ('paid') AND id = $2" {
		t.Errorf("a move is written as %s", got)
	}
	if partShips.allows(Shipped) || !partShips.allows(Paid) {
		t.Error("a move begins where it must not")
	}
}

// Every change of a state in this package goes through a move: SQL that sets one by hand would be a
// second place that says which changes there are.
func TestStatesChangeByMovesAlone(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	byHand := regexp.MustCompile(`(?i)update\s+(orders|order_parts|shipments|payments|refunds|returns|claims)\s+set[^` + "`" + `]*\bstate\s*=`)
	read := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		read++
		for _, found := range byHand.FindAllString(string(text), -1) {
			if before, _, _ := strings.Cut(found, "WHERE"); strings.Contains(before, "state") {
				t.Errorf("%s sets a state by hand: %s", f.Name(), found)
			}
		}
	}
	if read < 10 {
		t.Errorf("only %d files were read", read)
	}
}
