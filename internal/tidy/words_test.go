package tidy

import (
	"net/url"
	"os/exec"
	"path"
	"regexp"
	"strings"
	"testing"
)

// spelled joins what this file must not contain whole.
func spelled(parts ...string) string { return strings.Join(parts, "") }

// written lists the files people write: text, without what generators and others made.
func written(t *testing.T, tr *tree) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, name := range tr.files {
		switch path.Ext(name) {
		case ".go", ".templ", ".ts", ".css", ".sql", ".sh", ".awk", ".md", ".html", ".json", ".yaml", ".yml", "":
		default:
			continue
		}
		if brought(name) || name == "LICENSE" {
			continue
		}
		text, err := tr.read(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = text
	}
	return texts
}

// find reports each line of a text that a pattern matches.
func find(t *testing.T, name, text string, pattern *regexp.Regexp, why string) {
	t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if m := pattern.FindString(line); m != "" {
			t.Errorf("%s:%d: %q: %s", name, i+1, m, why)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	shouted := regexp.MustCompile(`\b(` + strings.Join([]string{
		spelled("TO", "DO"), spelled("FIX", "ME"), spelled("XX", "X"), spelled("HA", "CK"),
	}, "|") + `)\b`)
	said := regexp.MustCompile(`(?i)\b(` + strings.Join([]string{
		spelled("for", " now"), spelled("not ", "implemented"), spelled("un", "implemented"),
	}, "|") + `)\b`)
	// The word is also an attribute of HTML and a selector of CSS, which are meant.
	stand := regexp.MustCompile(`(?i)(^|[^:\-."\w])` + spelled("place", "holder") + `\b($|[^=\-":\w])`)
	for name, text := range written(t, load(t)) {
		if path.Ext(name) == ".md" {
			continue // documents say plainly what is missing
		}
		find(t, name, text, shouted, "do it, or file an issue")
		find(t, name, text, said, "do it, or file an issue")
		find(t, name, text, stand, "do it, or file an issue")
	}
}

func TestNoMachineIsNamed(t *testing.T) {
	paths := regexp.MustCompile(`(^|[\s"'=(:` + "`" + `])/(` + strings.Join([]string{
		spelled("wo", "rk"), spelled("ro", "ot"), spelled("t", "mp"), `home/\w`, `Users/\w`,
	}, "|") + `)/`)
	hosts := []string{
		spelled("proxy.", "golang.org"), spelled("sum.", "golang.org"), spelled("registry.", "npmjs.org"),
		spelled("deb.", "debian.org"), spelled("pypi.", "org"),
	}
	if out, err := exec.Command("go", "env", "GOPROXY").Output(); err == nil {
		for _, entry := range strings.FieldsFunc(strings.TrimSpace(string(out)), func(r rune) bool { return r == ',' || r == '|' }) {
			if u, err := url.Parse(entry); err == nil && u.Hostname() != "" {
				hosts = append(hosts, u.Hostname())
			}
		}
	}
	for name, text := range written(t, load(t)) {
		find(t, name, text, paths, "a path of one machine; use a temporary or a given folder")
		for _, h := range hosts {
			if strings.Contains(text, h) {
				t.Errorf("%s names the registry host %s", name, h)
			}
		}
	}
}

func TestMigrationsAreNumberedOnce(t *testing.T) {
	form := regexp.MustCompile(`^(\d{5})_[a-z0-9_]+\.sql$`)
	seen := map[string]string{}
	for _, name := range load(t).files {
		if !strings.Contains(name, "/migrations/") || path.Ext(name) != ".sql" {
			continue
		}
		m := form.FindStringSubmatch(path.Base(name))
		if m == nil {
			t.Errorf("%s: a migration is called NNNNN_room.sql", name)
			continue
		}
		if other, taken := seen[m[1]]; taken {
			t.Errorf("%s and %s carry the same number", name, other)
		}
		seen[m[1]] = name
	}
}

// The words are tried on lines that must be caught and lines that must pass.
func TestWordRulesCatch(t *testing.T) {
	stand := regexp.MustCompile(`(?i)(^|[^:\-."\w])` + spelled("place", "holder") + `\b($|[^=\-":\w])`)
	for line, caught := range map[string]bool{
		"// a " + spelled("place", "holder") + " until later":      true,
		`<input ` + spelled("place", "holder") + `="name">`:        false,
		`input::` + spelled("place", "holder") + ` { color: red }`: false,
	} {
		if stand.MatchString(line) != caught {
			t.Errorf("%q: caught %v, want %v", line, !caught, caught)
		}
	}
}
