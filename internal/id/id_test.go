package id_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"mezzo/internal/id"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestIDsSortByTheirTime(t *testing.T) {
	var o id.Order
	var made []string
	for i := range 200 {
		made = append(made, o.Next(start.Add(time.Duration(i)*time.Millisecond)).String())
	}
	if !slices.IsSorted(made) {
		t.Error("ids of later milliseconds sort before earlier ones")
	}
	year := o.Next(start.AddDate(40, 0, 0))
	if year.String() < made[0] {
		t.Errorf("%s of forty years on sorts before %s", year, made[0])
	}
}

func TestIDsOfOneMomentDiffer(t *testing.T) {
	var v id.Video
	seen := map[id.Video]bool{}
	for range 10_000 {
		n := v.Next(start)
		if seen[n] {
			t.Fatalf("%s was made twice", n)
		}
		seen[n] = true
	}
}

func TestIDReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u [16]byte
		copy(u[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		text := string(id.FromUUID[accountKind](u))
		if len(text) != len("acc_")+26 || !strings.HasPrefix(text, "acc_") {
			t.Fatalf("%q has not the form of an id", text)
		}
		back, err := id.Parse[accountKind](text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := back.UUID(); err != nil || got != u {
			t.Fatalf("%v → %q → %v, %v", u, text, got, err)
		}
	})
}

// accountKind is a kind of our own with a known prefix: the package's kinds are its own affair.
type accountKind struct{}

func (accountKind) Prefix() string { return "acc" }

func TestParseRefuses(t *testing.T) {
	var o id.Order
	good := o.Next(start).String()
	if !o.Next(start).Valid() {
		t.Fatal("a fresh id is not valid")
	}
	for name, text := range map[string]string{
		"nothing":                       "",
		"another kind":                  "vid" + good[3:],
		"no prefix":                     good[4:],
		"upper case":                    strings.ToUpper(good),
		"short":                         good[:len(good)-1],
		"long":                          good + "0",
		"a letter Crockford leaves out": good[:10] + "u" + good[11:],
		"bits beyond the sixteen bytes": good[:len(good)-1] + "z",
		"a space":                       good[:10] + " " + good[11:],
		"a line break":                  good[:len(good)-1] + "\n",
		"a very long text":              strings.Repeat("ord_", 10_000),
	} {
		if id.Order(text).Valid() {
			t.Errorf("%s: %q is taken for an order's id", name, text)
		}
		if _, err := id.Order(text).UUID(); err != nil && len(err.Error()) > 200 {
			t.Errorf("%s: the error repeats %d bytes of what was sent", name, len(err.Error()))
		}
	}
}

// Every kind's prefix is what the public contract says, and no two are alike.
func TestPrefixes(t *testing.T) {
	made := map[string]string{
		"acc": id.Account("").Next(start).String(), "crt": id.Creator("").Next(start).String(),
		"brd": id.Brand("").Next(start).String(), "prd": id.Product("").Next(start).String(),
		"var": id.Variant("").Next(start).String(), "prg": id.Program("").Next(start).String(),
		"vid": id.Video("").Next(start).String(), "rom": id.Room("").Next(start).String(),
		"ofr": id.Offer("").Next(start).String(), "ord": id.Order("").Next(start).String(),
		"opt": id.Part("").Next(start).String(), "lin": id.Line("").Next(start).String(),
		"rfd": id.Refund("").Next(start).String(), "pay": id.Payment("").Next(start).String(),
		"pot": id.Payout("").Next(start).String(), "trf": id.Transfer("").Next(start).String(),
		"com": id.Commission("").Next(start).String(), "pol": id.Policy("").Next(start).String(),
		"upl": id.Upload("").Next(start).String(), "whk": id.Webhook("").Next(start).String(),
		"dst": id.Destination("").Next(start).String(), "bat": id.Batch("").Next(start).String(), "ntc": id.Notice("").Next(start).String(), "stl": id.Settlement("").Next(start).String(),
		"wof": id.WriteOff("").Next(start).String(), "lbr": id.LabelRate("").Next(start).String(), "cpd": id.CarrierPaid("").Next(start).String(),
		"vwr": id.Viewer("").Next(start).String(), "lnk": id.Link("").Next(start).String(),
	}
	for prefix, text := range made {
		if !strings.HasPrefix(text, prefix+"_") {
			t.Errorf("%s does not begin with %s_", text, prefix)
		}
	}
}
