package tidy

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// Ranking never sees how big somebody already is (the first promise of the house).
func TestRankNeverSeesFollowers(t *testing.T) {
	size := regexp.MustCompile(`(?i)follower|lifetime_?(views|gmv|sales)|audience_?size|subscriber`)
	for _, s := range load(t).goes {
		if s.folder != "internal/rank" || s.isTest {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.Ident:
				if size.MatchString(x.Name) {
					t.Errorf("%s: the name %s: how big somebody is stays out of ranking", s.path, x.Name)
				}
			case *ast.BasicLit:
				if size.MatchString(x.Value) {
					t.Errorf("%s: the text %s: how big somebody is stays out of ranking", s.path, x.Value)
				}
			}
			return true
		})
	}
}

// Floats carry no money: packages that move it do not have the type at all.
func TestMoneyIsWhole(t *testing.T) {
	tr := load(t)
	moving := []string{"internal/money", "internal/ledger", "internal/payment", "internal/payout", "internal/order"}
	for _, s := range tr.goes {
		if s.isTest || !has(moving, s.folder) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				t.Errorf("%s: %s in a package that moves money", tr.at(id), id.Name)
			}
			return true
		})
	}
}

// The global registry, the default mux and the standard logger are variables of other people.
func TestNothingGlobalIsUsed(t *testing.T) {
	global := []string{"prometheus.MustRegister", "prometheus.Register", "promauto.NewCounter", "promauto.NewGauge",
		"http.HandleFunc", "http.Handle", "log.Print", "log.Printf", "log.Println", "log.Fatal", "log.Fatalf",
		"slog.Info", "slog.Warn", "slog.Error", "slog.Debug", "slog.SetDefault", "os.Setenv", "fmt.Println", "fmt.Printf"}
	tr := load(t)
	for _, s := range tr.goes {
		if s.isTest || s.made || strings.HasPrefix(s.folder, "cmd/") || has(forTests, strings.TrimPrefix(s.folder, "internal/")) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && has(global, types(call.Fun)) {
				t.Errorf("%s: %s reaches for something global: take the logger, registry or writer as an argument", tr.at(call), types(call.Fun))
			}
			return true
		})
	}
}
