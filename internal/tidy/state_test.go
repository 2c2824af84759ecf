package tidy

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

func TestPackagesKeepNoState(t *testing.T) {
	tr := load(t)
	for _, sources := range tr.packages() {
		names := map[string]*ast.ValueSpec{}
		for _, s := range sources {
			if s.isTest || s.made {
				continue
			}
			for _, d := range s.file.Decls {
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					for _, spec := range g.Specs {
						v := spec.(*ast.ValueSpec)
						if why := stateOf(g, v, s); why != "" {
							t.Errorf("%s: package variable %s %s; put it in a value that somebody owns", tr.at(v), v.Names[0].Name, why)
						}
						for _, n := range v.Names {
							names[n.Name] = v
						}
					}
				}
			}
		}
		for _, s := range sources {
			if !s.isTest && !s.made {
				tr.findAssignments(t, s, names)
			}
		}
	}
}

// stateOf says why a package variable is state, "" for what only holds a value: errors,
// patterns, tables, embedded files, things computed once, pools of scratch memory.
func stateOf(g *ast.GenDecl, v *ast.ValueSpec, s *source) string {
	if v.Names[0].Name == "_" {
		return ""
	}
	if len(v.Values) == 0 {
		doc := ""
		for _, c := range []*ast.CommentGroup{g.Doc, v.Doc} {
			if c != nil {
				for _, line := range c.List {
					doc += line.Text + "\n"
				}
			}
		}
		set := s.file.Name.Name == "main" && strings.Contains(types(v.Type), "string") // by the linker
		if strings.Contains(doc, "//go:embed") || set {
			return ""
		}
		return "has no value yet: it will be changed"
	}
	for _, value := range v.Values {
		if call, ok := value.(*ast.CallExpr); ok {
			switch name := types(call.Fun); {
			case name == "make" || name == "new":
				return "is made to be filled"
			case strings.HasPrefix(name, "prometheus.") || strings.HasPrefix(name, "promauto."):
				return "is a metric: register it with the program's own registry"
			case name == "time.Now" || strings.HasPrefix(name, "rand."):
				return "differs at every start"
			}
		}
		if u, ok := value.(*ast.UnaryExpr); ok && u.Op == token.AND {
			value = u.X
		}
		if lit, ok := value.(*ast.CompositeLit); ok {
			name := types(lit.Type)
			if (strings.HasPrefix(name, "sync.") && name != "sync.Pool") || strings.HasPrefix(name, "atomic.") {
				return "is a lock or a counter"
			}
		}
	}
	return ""
}

// types returns a type or function expression as text, as far as rules look at it.
func types(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return types(x.X) + "." + x.Sel.Name
	case *ast.StarExpr:
		return "*" + types(x.X)
	case *ast.IndexExpr:
		return types(x.X)
	case *ast.ArrayType:
		return "[]" + types(x.Elt)
	}
	return ""
}

// findAssignments reports every place that changes a package variable or something inside it.
func (tr *tree) findAssignments(t *testing.T, s *source, names map[string]*ast.ValueSpec) {
	t.Helper()
	report := func(target ast.Expr) {
		id := rootOf(target)
		if id == nil || names[id.Name] == nil {
			return
		}
		if id.Obj != nil && id.Obj.Decl != names[id.Name] {
			return // a local variable of the same name
		}
		t.Errorf("%s: changes the package variable %s", tr.at(target), id.Name)
	}
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.AssignStmt:
				if x.Tok != token.DEFINE {
					for _, l := range x.Lhs {
						report(l)
					}
				}
			case *ast.IncDecStmt:
				report(x.X)
			case *ast.CallExpr:
				if fn, ok := x.Fun.(*ast.Ident); ok && (fn.Name == "delete" || fn.Name == "clear") && len(x.Args) > 0 {
					report(x.Args[0])
				}
			}
			return true
		})
	}
}

// rootOf returns the variable that a.b[c].d begins with.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// wallClocks are the packages that may ask the machine for the time: the clock itself, and those
// that measure how long real things take.
var wallClocks = []string{"internal/clock", "cmd/mezzo", "internal/bench", "internal/program", "internal/journey"}

func TestTimeIsPassedIn(t *testing.T) {
	tr := load(t)
	for _, s := range tr.goes {
		if s.made {
			continue
		}
		inHand := map[ast.Expr]bool{} // time.Now() given to somebody, rather than measured with
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.CallExpr:
				if sel, ok := x.Fun.(*ast.SelectorExpr); !ok || (sel.Sel.Name != "Sub" && sel.Sel.Name != "After" && sel.Sel.Name != "Before") {
					for _, a := range x.Args {
						inHand[a] = true
					}
				}
			case *ast.KeyValueExpr:
				inHand[x.Value] = true
			}
			return true
		})
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name := types(call.Fun)
			switch {
			case name == "time.Sleep" && s.folder != "cmd/mezzo":
				t.Errorf("%s: time.Sleep: wait for the condition, or on a clock's timer", tr.at(call))
			case has(wallClocks, s.folder):
			case !s.isTest && (name == "time.Now" || name == "time.Since" || name == "time.Until"):
				t.Errorf("%s: %s: take a clock.Clock", tr.at(call), name)
			case s.isTest && name == "time.Now" && inHand[call]:
				t.Errorf("%s: time.Now given to the code under test: turn a clock, or name a moment", tr.at(call))
			}
			return true
		})
	}
}
