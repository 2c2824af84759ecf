package feed

import (
	"encoding/binary"

	"mezzo/internal/id"
)

// session is one viewer's way through a feed that is drawn by what is known: what the cursor carries, so that
// any node goes on with it. It remembers what was served, so that nothing is served twice before it is seen.
type session struct {
	key    uint64   // where the places lie that are kept for tests, and what marks depend on
	offset uint32   // places served
	served []uint32 // marks of the last ones, the oldest first
}

const (
	sessionVersion = 2
	sessionHead    = 1 + 8 + 8 + 4
	// SessionMost is how many served videos a cursor remembers. What came before has long been seen, which the
	// ranking knows.
	SessionMost = 700
)

// mark is what stands for a video within the session.
func (s *session) mark(v [16]byte) uint32 { return uint32(mix(hashOf(v)^s.key) >> 32) }

// marks returns what was served.
func (s *session) marks() map[uint32]struct{} {
	list := make(map[uint32]struct{}, len(s.served))
	for _, m := range s.served {
		list[m] = struct{}{}
	}
	return list
}

// serve notes what was served.
func (s *session) serve(videos ...[16]byte) {
	for _, v := range videos {
		s.served = append(s.served, s.mark(v))
	}
	s.offset += uint32(len(videos))
	s.served = s.served[max(0, len(s.served)-SessionMost):]
}

// seal returns the cursor of a session; place is what it is good for.
func (s *session) seal(keys *id.Keyring, place uint64) string {
	b := make([]byte, 0, sessionHead+4*len(s.served))
	b = append(b, sessionVersion)
	b = binary.BigEndian.AppendUint64(b, place)
	b = binary.BigEndian.AppendUint64(b, s.key)
	b = binary.BigEndian.AppendUint32(b, s.offset)
	for _, m := range s.served {
		b = binary.BigEndian.AppendUint32(b, m)
	}
	return keys.Seal(cursorPurpose, b)
}

// way is what a cursor says: a way through the pool or a session, and neither where there was none.
type way struct {
	scroll  *scroll
	session *session
}

// readWay reads the cursor of a place, of whichever kind it is.
func readWay(keys *id.Keyring, place uint64, cursor string) (way, error) {
	if cursor == "" {
		return way{}, nil
	}
	b, err := keys.Unseal(cursorPurpose, cursor)
	if err != nil || len(b) == 0 {
		return way{}, badCursor()
	}
	if b[0] != sessionVersion {
		s, err := unseal(keys, place, cursor)
		return way{scroll: &s}, err
	}
	if len(b) < sessionHead || len(b)%4 != sessionHead%4 || binary.BigEndian.Uint64(b[1:]) != place {
		return way{}, badCursor()
	}
	s := session{key: binary.BigEndian.Uint64(b[9:]), offset: binary.BigEndian.Uint32(b[17:])}
	for rest := b[sessionHead:]; len(rest) > 0; rest = rest[4:] {
		s.served = append(s.served, binary.BigEndian.Uint32(rest))
	}
	return way{session: &s}, nil
}

// asSession returns the session of a way: that of somebody whose pages were drawn evenly until now goes on
// with what their cursor knows.
func (w way) asSession(key uint64) session {
	switch {
	case w.session != nil:
		return *w.session
	case w.scroll != nil:
		return session{key: w.scroll.key, offset: uint32(len(w.scroll.served)), served: w.scroll.served}
	}
	return session{key: key}
}
