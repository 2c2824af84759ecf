package id_test

import (
	"bytes"
	"errors"
	"testing"

	"mezzo/internal/id"

	"pgregory.net/rapid"
)

func TestSealedMessages(t *testing.T) {
	ring := id.NewKeyring(key(1))
	rapid.Check(t, func(t *rapid.T) {
		message := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "message")
		text := ring.Seal("cursor", message)
		if got, err := ring.Unseal("cursor", text); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("%x came back as %x, %v", message, got, err)
		}
		if _, err := ring.Unseal("other", text); !errors.Is(err, id.ErrForged) {
			t.Fatalf("a cursor opened as another thing: %v", err)
		}
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed := text[:at] + string(rapid.SampledFrom([]rune("aZ0_.\n")).Draw(t, "with")) + text[at+1:]
		if _, err := ring.Unseal("cursor", changed); changed != text && !errors.Is(err, id.ErrForged) {
			t.Fatalf("%q was changed to %q: %v", text, changed, err)
		}
	})
	for _, text := range []string{"", "A", ring.Seal("cursor", make([]byte, id.MaxSealed+3))} {
		if _, err := ring.Unseal("cursor", text); !errors.Is(err, id.ErrForged) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
