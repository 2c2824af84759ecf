package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
)

// maxEarly is how many versions of one account may wait for one before them; then it is taken as missing.
const maxEarly = 4096

// met takes one change of an account with a limit. Transfers are walked in order of seq; versions are nearly in
// that order, but one may come a little before the one it follows.
func (c *checker) met(k held, t *tally, e entry) {
	if e.version != t.version+1 {
		if _, twice := t.early[e.version]; twice || e.version <= t.version {
			c.problem("%s in %s: version %d follows version %d", k.account, k.currency, e.version, max(e.version, t.version))
			return
		}
		if t.early == nil {
			t.early = map[int64]step{}
		}
		if t.early[e.version] = (step{e.amount, e.after}); len(t.early) > maxEarly {
			c.skip(k, t)
		}
		return
	}
	c.take(k, t, e.version, step{e.amount, e.after})
	for len(t.early) > 0 {
		s, there := t.early[t.version+1]
		if !there {
			return
		}
		delete(t.early, t.version+1)
		c.take(k, t, t.version+1, s)
	}
}

// take checks that a version leaves what the one before it left, and its own amount.
func (c *checker) take(k held, t *tally, version int64, s step) {
	if s.after != t.after+s.amount || s.after < 0 {
		c.problem("%s in %s: version %d leaves %d, not %d", k.account, k.currency, version, s.after, t.after+s.amount)
	}
	t.version, t.after = version, s.after
}

// skip takes what waits for versions that have not come: each gap is named.
func (c *checker) skip(k held, t *tally) {
	for _, version := range slices.Sorted(maps.Keys(t.early)) {
		if version != t.version+1 {
			c.problem("%s in %s: version %d follows version %d", k.account, k.currency, version, t.version)
		}
		c.take(k, t, version, t.early[version])
	}
	t.early = nil
}

// versions names the gaps that are left when all of the book was read.
func (c *checker) versions() error {
	var gaps []held
	for k, t := range c.accounts {
		if len(t.early) > 0 {
			gaps = append(gaps, k)
		}
	}
	slices.SortFunc(gaps, func(a, b held) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.currency, b.currency))
	})
	for _, k := range gaps {
		c.skip(k, c.accounts[k])
	}
	return nil
}

// closing is a seal while its transfers are met, in order of seq.
type closing struct {
	hash    []byte // as stored
	size    int64  // how many transfers it says it holds
	met     int64
	running hash.Hash
}

// beginSeals reads the seals: each opens with the one before it, as chain does.
func (c *checker) beginSeals() error {
	rows, err := c.tx.Query(`SELECT number, transfers, hash FROM ledger_seals ORDER BY number`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var last int64
	var before []byte
	for rows.Next() {
		var number int64
		s := &closing{}
		if err := rows.Scan(&number, &s.size, &s.hash); err != nil {
			return err
		}
		if number != last+1 {
			c.problem("seal %d follows seal %d", number, last)
		}
		s.running = openChain(before, number, s.size)
		c.seals[number], before, last = s, s.hash, number
		c.report.CheckedSeals++
	}
	return rows.Err()
}

// link adds a transfer to its seal.
func (c *checker) link(t *row) {
	c.sealed++
	s := c.seals[t.seal]
	if s == nil {
		c.problem("%s is in seal %d, which is not there", t.Key, t.seal)
		return
	}
	s.met++
	linkTo(s.running, link{t.seq, t.hash})
}

// endSeals compares each seal with what was met of it.
func (c *checker) endSeals() error {
	for _, number := range slices.Sorted(maps.Keys(c.seals)) {
		if s := c.seals[number]; s.met != s.size || !bytes.Equal(s.running.Sum(nil), s.hash) {
			c.problem("seal %d does not close over its %d transfers and the seal before it", number, s.size)
		}
	}
	var all int64
	if err := c.tx.Row(`SELECT COUNT(*) FROM ledger_sealed`).Scan(&all); err != nil {
		return err
	}
	if all != c.sealed {
		c.problem("%d transfers are said to be sealed, and %d are in the book", all, c.sealed)
	}
	return nil
}

// openChain begins the hash of a seal.
func openChain(before []byte, number, size int64) hash.Hash {
	h := sha256.New()
	h.Write(before)
	put(h, number)
	put(h, size)
	return h
}

func linkTo(h hash.Hash, l link) {
	put(h, l.seq)
	h.Write(l.hash)
}

func put(h hash.Hash, v int64) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(v))
	h.Write(n[:])
}
