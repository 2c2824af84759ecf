package metric_test

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"mezzo/internal/metric"
	"mezzo/internal/stream"
)

// A state that a version before kept is read, and goes on: what it says is what the log says.
func TestStateOfTheVersionsBefore(t *testing.T) {
	for _, version := range []byte{2, 3, 4} { // the third differs where something is away alone
		stateOf(t, version)
	}
}

func stateKept(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept struct{ State []byte }
	if err := json.NewDecoder(zipped).Decode(&kept); err != nil {
		t.Fatal(err)
	}
	return kept.State
}

func stateOf(t *testing.T, version byte) {
	t.Helper()
	file, err := os.Open("testdata/state-2.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	zipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		State   []byte
		Records []stream.Record
	}
	if err := json.NewDecoder(zipped).Decode(&kept); err != nil {
		t.Fatal(err)
	}
	if kept.State[0] = version; version == 4 {
		kept.State = stateKept(t, "testdata/state-4.json.gz")
	}
	old, again := metric.New(metric.Options{}), metric.New(metric.Options{})
	if err := old.Restore(kept.State); err != nil {
		t.Fatal(err)
	}
	if err := again.Apply(kept.Records); err != nil {
		t.Fatal(err)
	}
	if got, want := old.Stats(), again.Stats(); got != want {
		t.Errorf("its stats are %+v, the log's %+v", got, want)
	}
	entities := map[metric.Entity]bool{}
	rows := func(f *metric.Fold) (all []metric.Row) {
		if err := f.Rows(noon, func(r metric.Row) error {
			entities[r.Entity] = true
			all = append(all, r)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got, want := rows(old), rows(again); !reflect.DeepEqual(got, want) {
		t.Errorf("its rows are %+v, the log's %+v", got, want)
	}
	if len(entities) < 14 {
		t.Errorf("%d entities have rows", len(entities))
	}
	for e := range entities {
		got, _ := old.Read(e, metric.FourWeeks)
		want, _ := again.Read(e, metric.FourWeeks)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s reads %+v, by the log %+v", e, got, want)
		}
	}
	twice := metric.New(metric.Options{})
	state, err := old.AppendState(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := twice.Restore(state); err != nil || twice.Checksum() != old.Checksum() || old.Checksum() == 0 {
		t.Errorf("kept by this version it is another: %v", err)
	}
}
