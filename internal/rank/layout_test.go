package rank

import (
	"testing"
	"unsafe"
)

// Every kind of entry can be written as it lies, and stays within what a million of each may cost:
// 400 bytes a video and 2,048 a viewer, with about 40 for the index.
func TestEntriesAreSmallAndPlain(t *testing.T) {
	if _, err := form(); err != nil {
		t.Error(err)
	}
	const index = 40
	for name, c := range map[string][2]uintptr{"video": {unsafe.Sizeof(item{}), 400 - index}, "viewer": {unsafe.Sizeof(viewer{}), 2_048 - index}, "cell": {unsafe.Sizeof(Cell{}), 40}} {
		if c[0] > c[1] {
			t.Errorf("a %s takes %d bytes, over %d", name, c[0], c[1])
		}
	}
}
