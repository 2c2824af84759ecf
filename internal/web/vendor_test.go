package web

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What others wrote lies here as they gave it out.
func TestVendoredFilesAreUnchanged(t *testing.T) {
	folder := filepath.Join("script", "vendor", "uplot")
	sums, err := os.ReadFile(filepath.Join(folder, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not what was given out", name)
		}
		told++
	}
	if told != 2 {
		t.Errorf("%d files are told of, want the library and its licence", told)
	}
}
