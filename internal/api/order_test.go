package api

import "testing"

func TestReturnPathsStayHere(t *testing.T) {
	for path, here := range map[string]bool{"": true, "/orders": true, "/orders/ord_1?token=x": true,
		"//evil.example": false, "///evil.example": false, "/\\evil.example": false, "https://evil.example": false, "orders": false, "/a\tb": false} {
		if herePath(path) != here {
			t.Errorf("%q counts as a path of this site: %v", path, !here)
		}
	}
}
