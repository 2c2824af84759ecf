package web

import (
	"net/http"
	"strings"
)

// elsewhere answers addresses that no page has: those that people type or that other programs make
// lead to the page meant, all others are not here.
func (s *Site) elsewhere(v *visit) error {
	path := v.r.URL.Path
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		return missing()
	}
	for from, to := range map[string]string{"/@": "/c/", "/videos/": "/v/"} {
		if rest, ok := strings.CutPrefix(path, from); ok && rest != "" && !strings.Contains(rest, "/") {
			return v.moved(to + rest)
		}
	}
	switch path {
	case "/cart":
		return v.moved("/bag")
	case "/favicon.ico":
		return v.moved(AssetURL("mark.svg"))
	case "/signup", "/register":
		return v.moved("/sign-up")
	case "/signin", "/login":
		return v.moved("/sign-in")
	}
	return missing()
}

// moved leads to an address for good, with the query that came.
func (v *visit) moved(path string) error {
	if v.r.URL.RawQuery != "" {
		path += "?" + v.r.URL.RawQuery
	}
	v.w.Header().Set("Location", local(path))
	v.w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}
