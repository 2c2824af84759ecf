package feed

import (
	"encoding/binary"
	"slices"

	"mezzo/internal/fault"
	"mezzo/internal/id"
)

// scroll is one viewer's way through the pool: what the cursor carries, so that any node goes on
// with it and none remembers it. A key deals all videos at random into blocks; a page is drawn
// from the first block that still holds something, so that nothing is shown twice before
// everything was shown once, however long the way is and however short the cursor.
type scroll struct {
	key    uint64
	blocks uint32
	block  uint32   // those before it are through
	served []uint32 // marks of what was served of it, in order
}

// Sizes of what a page is drawn from.
const (
	// BlockSize is how many candidates a page has on average while a block is fresh.
	BlockSize = 200
	// MaxCandidates is how many it has at most: all of them are logged with every page.
	MaxCandidates = 2 * BlockSize
)

// begin returns a new way through a pool of so many videos.
func begin(key uint64, videos int) scroll {
	return scroll{key: key, blocks: uint32(max(1, (videos+BlockSize-1)/BlockSize))}
}

// mark is what stands for a video on this way: 32 bits that depend on the key. Two videos of one
// block may share a mark, in one block of 4,000 in a pool of 10,000; the second then waits for the
// next time round.
func (s *scroll) mark(hash uint64) uint32 { return uint32(mix(hash^s.key) >> 32) }

// blockOf returns the block a marked video was dealt to.
func (s *scroll) blockOf(mark uint32) uint32 {
	return uint32(uint64(mark) * uint64(s.blocks) >> 32)
}

// has reports whether a marked video of the present block was served.
func (s *scroll) has(mark uint32) bool {
	_, ok := slices.BinarySearch(s.served, mark)
	return ok
}

// serve notes what was served of a block, and moves on to it.
func (s *scroll) serve(block uint32, marks ...uint32) {
	if block != s.block {
		s.block, s.served = block, nil
	}
	s.served = append(s.served, marks...)
	slices.Sort(s.served)
}

// What cursors hold, and for which surface they are good.
const (
	cursorVersion = 1
	cursorHead    = 1 + 8 + 8 + 4 + 4 // version, surface and category, key, blocks, block
	cursorPurpose = "feed cursor"
	// MaxCursor bounds the length of a cursor.
	MaxCursor = 4 << 10
)

// seal returns the cursor of a way; place is what it is good for.
func (s *scroll) seal(keys *id.Keyring, place uint64) string {
	b := make([]byte, 0, cursorHead+4*len(s.served))
	b = append(b, cursorVersion)
	b = binary.BigEndian.AppendUint64(b, place)
	b = binary.BigEndian.AppendUint64(b, s.key)
	b = binary.BigEndian.AppendUint32(b, s.blocks)
	b = binary.BigEndian.AppendUint32(b, s.block)
	for _, m := range s.served {
		b = binary.BigEndian.AppendUint32(b, m)
	}
	return keys.Seal(cursorPurpose, b)
}

// unseal reads what seal wrote for the same place.
func unseal(keys *id.Keyring, place uint64, cursor string) (scroll, error) {
	b, err := keys.Unseal(cursorPurpose, cursor)
	if err != nil || len(b) < cursorHead || b[0] != cursorVersion || len(b)%4 != cursorHead%4 || binary.BigEndian.Uint64(b[1:]) != place {
		return scroll{}, badCursor()
	}
	s := scroll{key: binary.BigEndian.Uint64(b[9:]), blocks: binary.BigEndian.Uint32(b[17:]), block: binary.BigEndian.Uint32(b[21:])}
	for rest := b[cursorHead:]; len(rest) > 0; rest = rest[4:] {
		s.served = append(s.served, binary.BigEndian.Uint32(rest))
	}
	return s, nil
}

func badCursor() error {
	return fault.InvalidField("query.cursor", "This cursor was not given out for this feed. Leave it out to begin again.")
}
