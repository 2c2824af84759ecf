package program_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"mezzo/internal/archive"
	"mezzo/internal/client"
	"mezzo/internal/clock"
	"mezzo/internal/program"
	"mezzo/internal/stream"
)

const (
	operatorEmail, operatorPassword = "operator@shop.example", "a long enough password"

	// visitsEach is how many visits of a product are told in each of the two lives of the kept shop.
	visitsEach = 40
)

// keptShop makes a shop, stops it, and returns its folder: an hour of what happened is in a file of the archive, more
// is in the log, and there are two snapshots, the newer one of the numbers as the program held them when it stopped.
func keptShop(t *testing.T) (data, product string) {
	t.Helper()
	ctx := t.Context()
	p := program.Start(t, program.Options{Args: []string{"--sandbox-clock"},
		Env: []string{"MEZZO_OPERATOR_EMAIL=" + operatorEmail, "MEZZO_OPERATOR_PASSWORD=" + operatorPassword}})
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	nobody := client.Client{Base: p.URL}
	owner, err := nobody.SignUp(ctx, "owner@shop.example", operatorPassword, "Olga")
	ok(err)
	brand, err := owner.OpenBrand(ctx, "Pan & Co", "US", "USD")
	ok(err)
	listed, err := owner.List(ctx, brand, client.Product{Title: "Skillet", Description: "26 cm.", Category: "home.kitchen",
		Variants: []client.Variant{{SKU: "SK26", Title: "26 cm", Price: client.Money{Amount: 1999, Currency: "USD"}, Stock: 9}}})
	ok(err)
	visit := func() {
		t.Helper()
		for range visitsEach / 20 {
			viewer, err := nobody.NewViewer(ctx)
			ok(err)
			var events []client.Event
			for range 20 {
				events = append(events, client.NewEvent("product_view", "", listed.ID, time.Now()))
			}
			if got, err := viewer.SendEvents(ctx, events...); err != nil || got.Accepted != len(events) {
				t.Fatalf("visits: %+v, %v", got, err)
			}
		}
	}
	visit()
	operator, err := nobody.SignIn(ctx, operatorEmail, operatorPassword)
	ok(err)
	ok(operator.Turn(ctx, 2*3600))
	if exit := p.Stop(); exit != 0 {
		t.Fatalf("the first stop ended with %d", exit)
	}
	p.Restart()
	nobody.Base = p.URL
	for limit := time.After(time.Minute); !strings.Contains(p.Log(), "records were archived"); {
		select {
		case <-limit:
			t.Fatal("no file was archived")
		case <-time.After(20 * time.Millisecond):
		}
	}
	visit()
	if exit := p.Stop(); exit != 0 {
		t.Fatalf("the second stop ended with %d", exit)
	}
	return p.Data, listed.ID
}

// parquets returns the files of the archive.
func parquets(t *testing.T, data string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(data, "media"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".parquet" {
			names = append(names, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return names
}

// says runs a command and wants its exit code and something in what it prints.
func says(t *testing.T, exit int, pattern string, args ...string) string {
	t.Helper()
	out, got := program.Run(t, args...)
	if got != exit || !regexp.MustCompile(pattern).MatchString(out) {
		t.Errorf("mezzo %s: exit %d, want %d and %q in:\n%s", strings.Join(args, " "), got, exit, pattern, out)
	}
	return out
}

// What is kept is proven, made again and written out by the program itself, and damage is named.
func TestCommandsOnAKeptShop(t *testing.T) {
	data, product := keptShop(t)
	at := func(command ...string) []string { return append(command, "--data", data) }
	says(t, 0, `(?s)holds   numbers: 2 snapshots restored.*holds   archive: [1-9]\d* files hold [1-9].*Everything holds`, at("check")...)
	for _, from := range []string{"", "--beginning"} {
		out := says(t, 0, `(?m)^records   [1-9]\d* in`, append(at("replay"), strings.Fields(from)...)...)
		sums := regexp.MustCompile(`(?m)^kept +(\w+)\nreplayed +(\w+)$`).FindStringSubmatch(out)
		if sums == nil || sums[1] != sums[2] || !strings.Contains(out, "The same numbers.") {
			t.Errorf("replay %s: %v in:\n%s", from, sums, out)
		}
	}
	exports(t, data, product)
	for _, command := range [][]string{{"check"}, {"replay"}, {"export", "events"}} {
		refuses(t, command)
	}
	brokenFiles(t, data)
}

// exports compares what is written out with what was told, and with itself in the other form.
func exports(t *testing.T, data, product string) {
	t.Helper()
	dir := t.TempDir()
	lines, table := filepath.Join(dir, "events.jsonl"), filepath.Join(dir, "events.parquet")
	says(t, 0, ``, "export", "events", "--data", data, "--out", lines)
	says(t, 0, ``, "export", "events", "--data", data, "--out", table)
	text, err := os.ReadFile(lines)
	if err != nil {
		t.Fatal(err)
	}
	visits, ids, all := 0, map[string]bool{}, bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, line := range all {
		var row struct{ Type, ID, Product string }
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if row.Type == "product_view" && row.Product == product {
			visits++
			ids[row.ID] = true
		}
	}
	if visits != 2*visitsEach || len(ids) != visits {
		t.Errorf("%d visits with %d ids are written out, %d were told", visits, len(ids), 2*visitsEach)
	}
	rows, err := parquet.ReadFile[archive.Row](table)
	if err != nil || len(rows) != len(all) {
		t.Errorf("as Parquet %d rows, as JSON %d: %v", len(rows), len(all), err)
	}
	says(t, 2, `--from must be before --to`, "export", "events", "--data", data, "--from", "2026-03-02", "--to", "2026-03-01")
	says(t, 2, `is not a moment`, "export", "events", "--data", data, "--from", "yesterday")
	says(t, 1, `cannot be written`, "export", "events", "--data", data, "--out", filepath.Join(dir, "nowhere", "x"))
}

// refuses tries a command on folders that hold no shop of this program.
func refuses(t *testing.T, command []string) {
	t.Helper()
	on := func(folder string) []string { return append(command[:len(command):len(command)], "--data", folder) }
	none := filepath.Join(t.TempDir(), "none")
	says(t, 1, `there is no shop in the folder`, on(none)...)
	if _, err := os.Stat(none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("mezzo %v made the folder it looked for", command)
	}
	newer := t.TempDir()
	if err := os.WriteFile(filepath.Join(newer, "version"), []byte("mezzo data folder, format 9999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	says(t, 1, `start the newer program`, on(newer)...)
}

// brokenFiles damages a file of the archive that the log has been trimmed behind.
func brokenFiles(t *testing.T, data string) {
	t.Helper()
	trimHalf(t, data)
	says(t, 0, `(?m)^from      \d+\.snap`, "replay", "--data", data)
	says(t, 0, `The same numbers`, "replay", "--beginning", "--data", data) // out of the archive
	names := parquets(t, data)
	whole, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out.jsonl")
	for i, damage := range []func() []byte{
		func() []byte { b := bytes.Clone(whole); b[len(b)/3] ^= 0x40; return b },
		func() []byte { return whole[:len(whole)/2] },
		func() []byte { return nil },
	} {
		if err := os.WriteFile(names[0], damage(), 0o600); err != nil {
			t.Fatal(err)
		}
		says(t, 1, `BROKEN  archive: .*file 1`, "check", "--data", data)
		if i > 0 {
			continue
		}
		says(t, 1, `mezzo: .*file 1`, "export", "events", "--data", data, "--out", out)
		says(t, 1, `mezzo: .*file 1`, "replay", "--beginning", "--data", data)
		if _, err := os.Stat(out); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half an export was left: %v", err)
		}
	}
}

// trimHalf lets the log of a stopped program go as far as half of its first archived file.
func trimHalf(t *testing.T, data string) {
	t.Helper()
	rows, err := parquet.ReadFile[archive.Row](parquets(t, data)[0])
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows: %v", len(rows), err)
	}
	until, err := stream.ParsePosition(rows[len(rows)/2].Position) // both snapshots lie behind it, as the program makes sure
	if err != nil {
		t.Fatal(err)
	}
	log, err := stream.Open(t.Context(), stream.Options{Dir: filepath.Join(data, "stream"), Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if err := log.Trim(t.Context(), until); err != nil {
		t.Fatal(err)
	}
	if oldest, err := log.Oldest(t.Context()); err != nil || oldest.IsZero() {
		t.Fatalf("nothing was trimmed: %v", err)
	}
}
