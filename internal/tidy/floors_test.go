package tidy

import (
	"sort"
	"strconv"
	"strings"
	"testing"
)

// floors is the house, bottom up. A package imports lower floors only; neighbours never, except
// on floor four, where each may import those written before it.
var floors = [][]string{
	0: {"money", "id", "clock", "fault"},
	1: {"db", "stream", "blob"},
	2: {"event", "ledger", "seen"},
	3: {"metric", "archive", "attribution", "rank", "opportunity", "counterfactual"},
	4: {"account", "catalog", "media", "content", "affiliate", "voucher", "order", "sample", "payment", "payout", "feed", "reach", "live", "insight", "trust", "notify"},
	5: {"api", "web"},
}

// ordered is the floor whose neighbours may import those before them.
const ordered = 4

// beside are the rooms next to the house: they may look into any of it,
// and only cmd/mezzo and tests look into them.
var beside = []string{"demo", "sim", "lab", "bench", caller}

// caller is the room that stands outside the door and speaks the public contract: the other rooms
// beside the house may use it.
const caller = "client"

// forTests are packages only tests import.
var forTests = []string{"db/dbtest", "payment/stripetest", "program", "journey", "tidy"}

// under are folders below a package that belong to it alone.
var under = map[string]string{"db/migrations": "db"}

type place struct{ floor, order int }

func places() map[string]place {
	m := map[string]place{}
	for floor, names := range floors {
		for order, name := range names {
			m[name] = place{floor, order}
		}
	}
	return m
}

func has(list []string, name string) bool {
	for _, n := range list {
		if n == name {
			return true
		}
	}
	return false
}

func itoa(n int) string { return strconv.Itoa(n) }

// room returns the name under internal/, "" for anything else of the house or outside it.
func room(importPath string) string {
	name, ok := strings.CutPrefix(importPath, module+"internal/")
	if !ok {
		return ""
	}
	return name
}

func TestEveryPackageHasAFloor(t *testing.T) {
	known := places()
	for folder := range load(t).packages() {
		name, ok := strings.CutPrefix(folder, "internal/")
		if !ok {
			if folder != "cmd/mezzo" {
				t.Errorf("%s holds Go code: packages live in internal/, the program in cmd/mezzo", folder)
			}
			continue
		}
		_, ok = known[name]
		if !ok && !has(beside, name) && !has(forTests, name) && under[name] == "" {
			t.Errorf("internal/%s has no floor: name it in internal/tidy/floors_test.go, one level deep, a noun", name)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	for _, s := range load(t).goes {
		for _, path := range s.imports {
			if complaint := importComplaint(s, room(path)); complaint != "" {
				t.Errorf("%s imports %s: %s", s.path, path, complaint)
			}
		}
	}
}

// importComplaint says why a file may not import a room of the house, "" when it may.
func importComplaint(s *source, wanted string) string {
	own, inside := strings.CutPrefix(s.folder, "internal/")
	switch {
	case wanted == "" || wanted == own || under[wanted] == own:
		return ""
	case has(forTests, wanted):
		if s.isTest || has(forTests, own) {
			return ""
		}
		return "only tests import it"
	case !inside || has(forTests, own):
		return ""
	case has(beside, wanted):
		if s.isTest || (wanted == caller && has(beside, own)) {
			return ""
		}
		return "only cmd/mezzo and tests import it"
	case has(beside, own):
		return ""
	}
	known := places()
	from, to := known[own], known[wanted]
	switch {
	case to.floor < from.floor:
		return ""
	case to.floor > from.floor:
		return "imports go down a floor; declare a small interface here and let cmd/mezzo join them"
	case s.isTest && s.file.Name.Name == lastPart(own)+"_test":
		return "" // an external test may set up its neighbours
	case from.floor == ordered && to.order < from.order:
		return ""
	case from.floor == ordered:
		return "floor " + itoa(ordered) + " goes " + strings.Join(floors[ordered], " < ")
	}
	return "neighbours on floor " + itoa(from.floor) + " never import each other"
}

func lastPart(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// The rule itself is tried on imports that must be refused, so that it cannot pass by looking away.
func TestImportRuleRefuses(t *testing.T) {
	refused := map[string]string{
		"internal/money": "db", "internal/db": "stream", "internal/event": "ledger", "internal/rank": "account",
		"internal/account": "catalog", "internal/order": "payment", "internal/api": "web", "internal/feed": "demo",
		"internal/ledger": "db/dbtest", "internal/catalog": "api",
	}
	var folders []string
	for folder := range refused {
		folders = append(folders, folder)
	}
	sort.Strings(folders)
	for _, folder := range folders {
		s, err := load(t).parse("internal/tidy/doc.go")
		if err != nil {
			t.Fatal(err)
		}
		s.folder = folder
		if importComplaint(s, refused[folder]) == "" {
			t.Errorf("%s may import %s, and must not", folder, refused[folder])
		}
	}
}
