package main

import (
	"strings"
	"testing"

	"mezzo/internal/account"
)

func TestKeysRotate(t *testing.T) {
	dir := t.TempDir()
	rotate := func(cut bool) (string, error) {
		var out strings.Builder
		c := rotateCommand{storeFlags{Data: dir}, cut}
		err := c.Run(t.Context(), quiet(), &out)
		return out.String(), err
	}
	opens := func(token string) (bool, string) {
		s, err := openDatabase(t.Context(), storeFlags{Data: dir}, quiet())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := rotate(false); err == nil {
			t.Error("the keys of an open folder were turned from outside")
		}
		ring, err := account.LoadKeys(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		_, err = ring.Open("x", token)
		return err == nil, ring.Sign("x", "vwr_1")
	}
	_, first := opens("")
	if said, err := rotate(false); err != nil || !strings.Contains(said, "announced") {
		t.Errorf("%q, %v", said, err)
	}
	if _, err := rotate(false); err == nil {
		t.Error("turned twice in a moment")
	}
	if ok, now := opens(first); !ok || now != first {
		t.Errorf("announced: opens %v, signs %s", ok, now)
	}
	if said, err := rotate(true); err != nil || !strings.Contains(said, "Nothing signed before") {
		t.Errorf("%q, %v", said, err)
	}
	if ok, _ := opens(first); ok {
		t.Error("what was cut off opens")
	}
}
