package tidy

import (
	"regexp"
	"strings"
	"testing"
)

// named returns go.mod's direct dependencies, and the modules of its tools, with their versions.
func named(t *testing.T, gomod string) (direct, tools map[string]string) {
	t.Helper()
	all, direct, tools := map[string]string{}, map[string]string{}, map[string]string{}
	require := regexp.MustCompile(`^(?:require )?\s*([\w./\-]+) (v\S+)( // indirect)?$`)
	var paths []string
	for _, line := range strings.Split(gomod, "\n") {
		if m := require.FindStringSubmatch(line); m != nil {
			all[m[1]] = m[2]
			if m[3] == "" {
				direct[m[1]] = m[2]
			}
		} else if p := strings.TrimPrefix(strings.TrimSpace(line), "tool "); strings.Contains(p, "/cmd/") {
			paths = append(paths, p)
		}
	}
	for _, p := range paths {
		for mod, version := range all {
			if strings.HasPrefix(p, mod+"/") {
				tools[mod] = version
			}
		}
	}
	if len(direct) == 0 || len(tools) != len(paths) {
		t.Fatalf("go.mod was not understood: %d direct, %d of %d tools", len(direct), len(tools), len(paths))
	}
	return direct, tools
}

func TestDependenciesAreAccountedFor(t *testing.T) {
	tr := load(t)
	gomod, err := tr.read("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := tr.read("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct, tools := named(t, gomod)
	row := regexp.MustCompile(`(?m)^\| ([\w./\-]+\.[\w./\-]+) \| (\S+) \| ([^|]+) \| ([^|]+) \|$`)
	told := map[string]string{}
	for _, m := range row.FindAllStringSubmatch(doc, -1) {
		if old, twice := told[m[1]]; twice && old != m[2] {
			t.Errorf("docs/dependencies.md names %s at %s and at %s", m[1], old, m[2])
		}
		told[m[1]] = m[2]
		if len(strings.TrimSpace(m[3])) < 3 || len(strings.TrimSpace(m[4])) < 10 {
			t.Errorf("docs/dependencies.md: %s needs its licence and a reason", m[1])
		}
	}
	for _, list := range []map[string]string{direct, tools} {
		for mod, version := range list {
			if told[mod] != version {
				t.Errorf("docs/dependencies.md needs the line `| %s | %s | licence | why |` (it has version %q)", mod, version, told[mod])
			}
		}
	}
	for mod := range told {
		if direct[mod] == "" && tools[mod] == "" {
			t.Errorf("docs/dependencies.md names %s, which go.mod does not name directly", mod)
		}
	}
}

// What only tests may use stays out of the program.
func TestTestModulesStayInTests(t *testing.T) {
	only := []string{"github.com/chromedp/", "go.uber.org/goleak", "pgregory.net/rapid", "testing", "net/http/httptest"}
	for _, s := range load(t).goes {
		if s.isTest || has(forTests, strings.TrimPrefix(s.folder, "internal/")) {
			continue
		}
		for _, path := range s.imports {
			for _, o := range only {
				if path == o || strings.HasSuffix(o, "/") && strings.HasPrefix(path, o) {
					t.Errorf("%s imports %s, which belongs in tests", s.path, path)
				}
			}
		}
	}
}
