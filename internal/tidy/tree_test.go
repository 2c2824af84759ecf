package tidy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
)

// module is the name every import of the house begins with.
const module = "mezzo/"

// source is one parsed Go file of the tree.
type source struct {
	path    string // from the root, with slashes
	folder  string // the same without the file
	text    string
	file    *ast.File
	isTest  bool
	made    bool // generated: its generator answers for sizes and style
	imports []string
}

// tree is every file git would commit, and the Go ones parsed.
type tree struct {
	root  string
	files []string
	fset  *token.FileSet
	goes  []*source
}

var readTree = sync.OnceValues(func() (*tree, error) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, fset: token.NewFileSet()}
	if t.files, err = listFiles(root); err != nil {
		return nil, err
	}
	for _, f := range t.files {
		if !strings.HasSuffix(f, ".go") || strings.Contains(f, "/testdata/") {
			continue
		}
		s, err := t.parse(f)
		if err != nil {
			return nil, err
		}
		t.goes = append(t.goes, s)
	}
	return t, nil
})

func load(t *testing.T) *tree {
	t.Helper()
	tr, err := readTree()
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.goes) < 10 {
		t.Fatalf("only %d Go files found under %s: the tree was not read", len(tr.goes), tr.root)
	}
	return tr
}

// listFiles returns what git tracks or would track; where there is no git (an unpacked archive),
// everything but what is built.
func listFiles(root string) ([]string, error) {
	out, err := exec.Command("git", "-C", root, "ls-files", "-co", "--exclude-standard").Output()
	if err == nil {
		files := strings.Split(strings.TrimSpace(string(out)), "\n")
		present := files[:0]
		for _, f := range files {
			if info, err := os.Stat(filepath.Join(root, f)); err == nil && info.Mode().IsRegular() {
				present = append(present, f)
			}
		}
		return present, nil
	}
	var files []string
	err = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (rel == ".git" || rel == "bin" || rel == "data" || rel == ".cache") {
			return filepath.SkipDir
		}
		if d.Type().IsRegular() {
			files = append(files, rel)
		}
		return nil
	})
	sort.Strings(files)
	return files, err
}

func (t *tree) parse(name string) (*source, error) {
	text, err := t.read(name)
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(t.fset, name, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	s := &source{
		path: name, folder: path.Dir(name), text: text, file: file,
		isTest: strings.HasSuffix(name, "_test.go"),
		made:   ast.IsGenerated(file) || strings.HasSuffix(name, "_templ.go"),
	}
	for _, i := range file.Imports {
		s.imports = append(s.imports, strings.Trim(i.Path.Value, `"`))
	}
	return s, nil
}

func (t *tree) read(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(name)))
	return string(b), err
}

// at returns "file:line" of a node, for messages.
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return p.Filename + ":" + itoa(p.Line)
}

func (t *tree) line(p token.Pos) int { return t.fset.Position(p).Line }

// packages returns the Go files by folder, without external test packages' own view.
func (t *tree) packages() map[string][]*source {
	by := map[string][]*source{}
	for _, s := range t.goes {
		by[s.folder] = append(by[s.folder], s)
	}
	return by
}

// brought reports whether a file was made or written elsewhere: vendored browser parts,
// built assets, captured samples.
func brought(name string) bool {
	for _, part := range strings.Split(path.Dir(name), "/") {
		switch part {
		case "vendor", "vendored", "third_party", "dist", "testdata":
			return true
		}
	}
	return strings.HasSuffix(name, "_templ.go") || strings.Contains(path.Base(name), ".min.")
}
