package web

import "testing"

// CheckPage holds a page against the rules that every page keeps.
func CheckPage(t *testing.T, name, page string) {
	t.Helper()
	for _, r := range rules {
		if !r.ok(page) {
			t.Errorf("%s: %s", name, r.name)
		}
	}
	checkLabels(t, name, page)
	checkNames(t, name, page)
	checkIDs(t, name, page)
}

// Local is where a form may lead.
func Local(path string) string { return local(path) }
