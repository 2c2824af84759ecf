package program_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mezzo/internal/db/dbtest"
	"mezzo/internal/program"
)

func TestMain(m *testing.M) { program.Main(m) }

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

func TestServerAnswersWhatAnOperatorAsks(t *testing.T) {
	p := program.Start(t, program.Options{})
	for path, want := range map[string]string{
		"/healthz": "ok",
		"/readyz":  `"ready":true`,
		"/version": `"version":`,
		"/metrics": "mezzo_db_commits_total",
	} {
		if status, body := get(t, p.URL+path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.300s; want %s in it", path, status, body, want)
		}
	}
	if _, body := get(t, p.URL+"/metrics"); !strings.Contains(body, `mezzo_http_requests_total{route="GET /healthz",status="200"} 1`) {
		t.Errorf("the request to /healthz was not counted:\n%.2000s", body)
	}
	var ready struct {
		Checks []struct {
			Name string
			OK   bool
		}
	}
	if _, body := get(t, p.URL+"/readyz"); json.Unmarshal([]byte(body), &ready) != nil || len(ready.Checks) < 3 {
		t.Errorf("/readyz names %v", ready.Checks)
	}
	if exit := p.Stop(); exit != 0 {
		t.Errorf("a graceful stop ended with %d", exit)
	}
	if !strings.Contains(p.Log(), `"msg":"stopped","clean":true`) {
		t.Errorf("it does not say that it stopped clean:\n%s", p.Log())
	}
}

func TestServerSurvivesKillsOnTheSameData(t *testing.T) {
	survive := func(t *testing.T, database string) {
		p := program.Start(t, program.Options{Database: database, Args: []string{"--sandbox-clock"}})
		url := p.URL
		person := `{"email":"ada@shop.example","password":"a long enough password","display_name":"Ada"}`
		if status, body := post(t, p.URL+"/api/v1/accounts", person); status != 201 {
			t.Fatalf("sign-up: %d %s", status, body)
		}
		for range 3 {
			p.Kill()
			p.Restart()
			if p.URL != url {
				t.Fatalf("it came back at %s instead of %s", p.URL, url)
			}
			if status, body := get(t, p.URL+"/readyz"); status != 200 {
				t.Fatalf("after a kill: %d %s", status, body)
			}
			if status, body := post(t, p.URL+"/api/v1/sessions", person); status/100 != 2 {
				t.Fatalf("sign-in after a kill: %d %s", status, body)
			}
		}
		relayed(t, p)
		p.Kill()
		check := []string{"check", "--data", p.Data}
		if database != "" {
			check = append(check, "--database", database)
		}
		if out, exit := program.Run(t, check...); exit != 0 || !strings.Contains(out, "Everything holds.") {
			t.Fatalf("mezzo check: exit %d\n%s", exit, out)
		}
		// A log that is older than the database is a break that has to be named.
		if err := os.RemoveAll(filepath.Join(p.Data, "stream")); err != nil {
			t.Fatal(err)
		}
		if out, exit := program.Run(t, check...); exit != 1 || !strings.Contains(out, "BROKEN  outbox: the database has delivered facts") {
			t.Errorf("mezzo check without the log: exit %d\n%s", exit, out)
		}
	}
	t.Run("sqlite", func(t *testing.T) { survive(t, "") })
	t.Run("postgres", func(t *testing.T) { survive(t, dbtest.NewPostgresURL(t)) })
}

// relayed waits until the log holds every fact, which a node begun again after a kill must see to
// at once, not when the lease of the dead process has run out.
func relayed(t *testing.T, p *program.Program) {
	t.Helper()
	late, again := time.After(10*time.Second), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		_, body := get(t, p.URL+"/metrics")
		if strings.Contains(body, "\nmezzo_outbox_waiting 0\n") {
			return
		}
		select {
		case <-again.C:
		case <-late:
			t.Fatal("facts still wait for the log")
		}
	}
}

func TestFolderInUseIsRefused(t *testing.T) {
	p := program.Start(t, program.Options{})
	for _, args := range [][]string{{"serve", "--addr", "127.0.0.1:0"}, {"migrate"}} {
		out, exit := program.Run(t, append(args, "--data", p.Data)...)
		if exit != 1 || !strings.Contains(out, "is in use by process ") || !strings.Contains(out, "--data") {
			t.Errorf("mezzo %s: exit %d, %s", args[0], exit, out)
		}
	}
}

func TestNewerFolderIsRefused(t *testing.T) {
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "version"), []byte("mezzo data folder, format 9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, exit := program.Run(t, "serve", "--addr", "127.0.0.1:0", "--data", data)
	if exit != 1 || !strings.Contains(out, "newer mezzo") || !strings.Contains(out, "start the newer program") {
		t.Errorf("exit %d: %s", exit, out)
	}
	left, err := os.ReadDir(data)
	if err != nil || len(left) > 2 {
		t.Errorf("it wrote into the folder it refused: %v, %v", left, err)
	}
}

func TestCommandLine(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		exit int
		says string
	}{
		"help":              {[]string{"--help"}, 0, "serve"},
		"help of a command": {[]string{"serve", "--help"}, 0, "$MEZZO_PLATFORM_FEE_BPS"},
		"version":           {[]string{"version"}, 0, "mezzo "},
		"nothing":           {nil, 2, "mezzo --help"},
		"unknown command":   {[]string{"sevre"}, 2, "sevre"},
		"unknown flag":      {[]string{"serve", "--colour"}, 2, "--colour"},
		"not a number":      {[]string{"serve", "--hold-days", "many"}, 2, "hold-days"},
		"out of range":      {[]string{"serve", "--hold-days", "61"}, 2, "0 to 60"},
		"fee too high":      {[]string{"serve", "--platform-fee-bps", "9000"}, 2, "50 %"},
		"address":           {[]string{"serve", "--addr", "8080"}, 2, "HOST:PORT"},
		"database":          {[]string{"serve", "--database", "mysql://x"}, 2, "postgres://"},
		"half an operator":  {[]string{"serve", "--operator-email", "a@b.example"}, 2, "neither"},
		"no limits":         {[]string{"serve", "--no-limits"}, 2, "127.0.0.1"},
		"public url":        {[]string{"serve", "--public-url", "shop.example"}, 2, "https://shop.example"},
	} {
		out, exit := program.Run(t, c.args...)
		if exit != c.exit || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit %d, want %d; %q in:\n%s", name, exit, c.exit, c.says, out)
		}
	}
}

func TestFlagsComeFromTheEnvironment(t *testing.T) {
	data := filepath.Join(t.TempDir(), "elsewhere")
	p := program.Start(t, program.Options{Env: []string{"MEZZO_PUBLIC_URL=https://shop.example", "MEZZO_HOLD_DAYS=3"}, Data: data})
	if !strings.Contains(p.Log(), `"public":"https://shop.example"`) {
		t.Errorf("MEZZO_PUBLIC_URL was not heard:\n%s", p.Log())
	}
	p.Stop()
	if info, err := os.Stat(filepath.Join(data, "mezzo.db")); err != nil || info.Size() == 0 {
		t.Errorf("the database is not in --data: %v", err)
	}
}

// What people ask other programs, this one answers too.
func TestHelpAndVersionAreFound(t *testing.T) {
	for _, asked := range []struct {
		args []string
		says string
	}{
		{[]string{"--version"}, "mezzo"},
		{[]string{"version"}, "mezzo"},
		{[]string{"help"}, "Usage: mezzo <command>"},
		{[]string{"help", "demo"}, "Usage: mezzo demo [flags]"},
		{[]string{"help", "bench", "events"}, "Usage: mezzo bench events"},
		{[]string{"demo", "--help"}, "Usage: mezzo demo [flags]"},
	} {
		if out, exit := program.Run(t, asked.args...); exit != 0 || !strings.Contains(out, asked.says) {
			t.Errorf("mezzo %s ends with %d and says\n%.300s", strings.Join(asked.args, " "), exit, out)
		}
	}
	for _, args := range [][]string{{"help", "nothing"}, {"nothing"}, {"--nothing"}} {
		if out, exit := program.Run(t, args...); exit == 0 || !strings.Contains(out, "mezzo --help lists") {
			t.Errorf("mezzo %s ends with %d and says\n%.300s", strings.Join(args, " "), exit, out)
		}
	}
}
