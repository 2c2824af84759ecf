package tidy

import (
	"go/ast"
	"path"
	"strings"
	"testing"
)

// The sizes a reader can hold.
const (
	maxFileLines     = 600
	maxFunctionLines = 70
)

func TestFilesFitTheirPurpose(t *testing.T) {
	tr := load(t)
	for _, name := range tr.files {
		switch path.Ext(name) {
		case ".go", ".templ", ".ts", ".css", ".sql", ".sh", ".awk":
		default:
			continue
		}
		if brought(name) {
			continue
		}
		text, err := tr.read(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(text, "\n"); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: which two things does it hold?", name, n, maxFileLines)
		}
	}
}

func TestFunctionsFitTheScreen(t *testing.T) {
	tr := load(t)
	for _, s := range tr.goes {
		if s.made {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			n := tr.line(f.End()) - tr.line(f.Pos()) + 1
			if s.isTest {
				n -= tr.tableLines(f.Body)
			}
			if n > maxFunctionLines {
				t.Errorf("%s: %s has %d lines, more than %d", tr.at(f), f.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// tableLines counts the lines of a test's tables beyond their first: cases are data, not code.
// A function among the cases is code again.
func (t *tree) tableLines(body *ast.BlockStmt) int {
	lines := 0
	ast.Inspect(body, func(n ast.Node) bool {
		table, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		lines += t.line(table.End()) - t.line(table.Pos())
		ast.Inspect(table, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncLit); ok {
				lines -= t.line(f.End()) - t.line(f.Pos())
				return false
			}
			return true
		})
		return false
	})
	return lines
}

func TestPackageNamesAreNouns(t *testing.T) {
	bad := []string{"util", "utils", "common", "helper", "helpers", "manager", "managers", "service", "services",
		"model", "models", "misc", "shared", "base", "lib", "types", "controller", "controllers", "core"}
	for folder, sources := range load(t).packages() {
		name := path.Base(folder)
		if has(bad, name) {
			t.Errorf("%s: a package is named by the noun it owns, never %q", folder, name)
		}
		for _, s := range sources {
			own := strings.TrimSuffix(s.file.Name.Name, "_test")
			if own != name && own != "main" {
				t.Errorf("%s: package %s in the folder %s", s.path, own, name)
			}
		}
	}
}

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	for folder, sources := range load(t).packages() {
		opening := "Package " + path.Base(folder) + " "
		if strings.HasPrefix(folder, "cmd/") {
			opening = "Command " + path.Base(folder) + " "
		}
		said := 0
		for _, s := range sources {
			if s.file.Doc == nil || strings.HasSuffix(s.file.Name.Name, "_test") {
				continue
			}
			if text := s.file.Doc.Text(); strings.HasPrefix(text, opening) && strings.Contains(text, ".") {
				said++
			} else if !s.made {
				t.Errorf("%s: its package comment does not begin %q and end in a full stop", s.path, opening)
			}
		}
		if said != 1 {
			t.Errorf("%s: %d files carry its sentence %q, it takes exactly one", folder, said, opening+"…")
		}
	}
}

func TestExportedNamesAreExplained(t *testing.T) {
	tr := load(t)
	for _, s := range tr.goes {
		if s.isTest || s.made || s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && receiverExported(d) {
					t.Errorf("%s: %s is exported and says nothing: units, errors, why", tr.at(d), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil && ts.Comment == nil {
						t.Errorf("%s: type %s is exported and says nothing", tr.at(ts), ts.Name.Name)
					}
				}
			}
		}
	}
}

// receiverExported reports whether a function is seen from outside: no receiver, or an exported one.
func receiverExported(f *ast.FuncDecl) bool {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return true
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
