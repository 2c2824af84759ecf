package order_test

import (
	"net/url"
	"strings"
)

// parseSession takes the address of the sandbox's page apart.
func parseSession(t tester, redirect string) (charge, secret string) {
	t.Helper()
	u, err := url.Parse(redirect)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path[strings.LastIndexByte(u.Path, '/')+1:], u.Query().Get("secret")
}
