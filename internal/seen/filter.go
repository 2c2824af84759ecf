package seen

import "encoding/binary"

// A filter says of a key "never put in" or "perhaps put in", from twelve bits a key. It is the
// split block Bloom filter: one block of 256 bits, so one cache line, a key; in each of its eight
// words one bit. "Perhaps" is wrong about once in two hundred.
//
// Source: F. Putze, P. Sanders, J. Singler, "Cache-, Hash- and Space-Efficient Bloom Filters",
// 2007; the words and their odd factors are those of the Apache Parquet format,
// "Parquet Bloom Filter", which took them from Apache Impala.
type filter []uint32

const (
	filterBits  = 12 // a key
	blockWords  = 8
	blockBits   = 32 * blockWords
	filterBlock = blockBits / 8 // bytes
)

// probe is a key as filters see it: it is the same for all of them, however large.
type probe struct {
	block uint64
	bits  [blockWords]uint32
}

func probeOf(record []byte) (p probe) {
	h := low(record)
	p.block = h >> 32
	x := uint32(h)
	p.bits = [blockWords]uint32{
		1 << (x * 0x47b6137b >> 27), 1 << (x * 0x44974d91 >> 27), 1 << (x * 0x8824ad5b >> 27), 1 << (x * 0xa2b7289d >> 27),
		1 << (x * 0x705495c7 >> 27), 1 << (x * 0x2df1424b >> 27), 1 << (x * 0x9efc4947 >> 27), 1 << (x * 0x5c6bfb31 >> 27),
	}
	return p
}

// filterBlocks is how many blocks a filter of so many keys has.
func filterBlocks(keys int) int { return max(1, (keys*filterBits+blockBits-1)/blockBits) }

func newFilter(keys int) filter { return make(filter, filterBlocks(keys)*blockWords) }

func (f filter) of(p *probe) *[blockWords]uint32 {
	i := p.block * uint64(len(f)/blockWords) >> 32 * blockWords
	return (*[blockWords]uint32)(f[i:])
}

func (f filter) add(p *probe) {
	words := f.of(p)
	for i, b := range p.bits {
		words[i] |= b
	}
}

// may reports whether the key was perhaps put in. It looks at all words without a branch: whether
// a single bit is set cannot be foretold, whether all are nearly always can.
func (f filter) may(p *probe) bool {
	w, b := f.of(p), &p.bits
	missing := b[0]&^w[0] | b[1]&^w[1] | b[2]&^w[2] | b[3]&^w[3] |
		b[4]&^w[4] | b[5]&^w[5] | b[6]&^w[6] | b[7]&^w[7]
	return missing == 0
}

func (f filter) appendTo(dst []byte) []byte {
	for _, w := range f {
		dst = binary.LittleEndian.AppendUint32(dst, w)
	}
	return dst
}

// readFilter reads what appendTo wrote; the length is a multiple of a block.
func readFilter(b []byte) filter {
	f := make(filter, len(b)/4)
	for i := range f {
		f[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return f
}
