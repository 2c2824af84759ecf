package money

import (
	"fmt"
	"math/big"
	"sort"
)

// Bps is a rate in basis points: 1500 is 15 %. A rate is never negative.
type Bps int64

// Whole is 100 % in basis points.
const Whole Bps = 10_000

// String returns the rate in percent, "15 %" or "7.25 %".
func (b Bps) String() string {
	if b%100 == 0 {
		return fmt.Sprintf("%d %%", b/100)
	}
	return fmt.Sprintf("%d.%02d %%", b/100, b%100)
}

// Of returns the rate's part of minor units, rounded half away from zero: what one
// party alone is charged (a tax line). Where several share one total, use Share.
func (b Bps) Of(minor int64) int64 {
	return roundedQuotient(new(big.Int).Mul(big.NewInt(minor), big.NewInt(int64(b))), int64(Whole))
}

// Within returns the part of a gross amount that a rate on its net amounts to
// (tax contained in a price), rounded half away from zero: gross·b/(1+b).
func (b Bps) Within(gross int64) int64 {
	return roundedQuotient(new(big.Int).Mul(big.NewInt(gross), big.NewInt(int64(b))), int64(Whole)+int64(b))
}

// Portion returns n/of of minor units, rounded half away from zero; of is positive.
func Portion(minor, n, of int64) int64 {
	return roundedQuotient(new(big.Int).Mul(big.NewInt(minor), big.NewInt(n)), of)
}

func roundedQuotient(num *big.Int, den int64) int64 {
	neg := num.Sign() < 0
	num = new(big.Int).Abs(num)
	d := big.NewInt(den)
	q, r := new(big.Int).QuoRem(num, d, new(big.Int))
	if r.Lsh(r, 1).Cmp(d) >= 0 {
		q.Add(q, big.NewInt(1))
	}
	if neg {
		q.Neg(q)
	}
	return q.Int64()
}

// Split divides total by the weights and returns shares that sum to total exactly:
// the largest-remainder method (Hamilton), rounded once, ties to the earlier party. Weights
// are not negative and not all zero; a negative total is split as its mirror image.
func Split(total int64, weights []int64) ([]int64, error) {
	if total > Max || total < -Max {
		return nil, fmt.Errorf("cannot split %d: beyond %d minor units", total, int64(Max))
	}
	sum := new(big.Int)
	for _, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("cannot split by the negative weight %d", w)
		}
		sum.Add(sum, big.NewInt(w))
	}
	if sum.Sign() == 0 {
		return nil, fmt.Errorf("cannot split among parties without weight")
	}
	nums := make([]*big.Int, len(weights))
	for i, w := range weights {
		nums[i] = new(big.Int).Mul(big.NewInt(abs(total)), big.NewInt(w))
	}
	shares := largestRemainder(abs(total), nums, sum)
	if total < 0 {
		for i := range shares {
			shares[i] = -shares[i]
		}
	}
	return shares, nil
}

// Part is one party's exact claim on a total: Rate of Base minor units.
type Part struct {
	Base int64
	Rate Bps
}

// Share divides total among a rest party (index 0) and the claims after it. Each claim is
// exact until the whole is rounded once by largest remainder, ties to the earlier party;
// the rest gets what no claim takes. The shares sum to total. An error when a claim is
// negative or the claims exceed the total.
func Share(total int64, claims ...Part) ([]int64, error) {
	if total < 0 || total > Max {
		return nil, fmt.Errorf("cannot share %d minor units", total)
	}
	den := big.NewInt(int64(Whole))
	rest := new(big.Int).Mul(big.NewInt(total), den)
	nums := make([]*big.Int, 1, len(claims)+1)
	for _, c := range claims {
		if c.Base < 0 || c.Rate < 0 {
			return nil, fmt.Errorf("a claim of %d at %d basis points is negative", c.Base, c.Rate)
		}
		n := new(big.Int).Mul(big.NewInt(c.Base), big.NewInt(int64(c.Rate)))
		nums = append(nums, n)
		rest.Sub(rest, n)
	}
	if rest.Sign() < 0 {
		return nil, fmt.Errorf("the claims exceed the total of %d minor units", total)
	}
	nums[0] = rest
	return largestRemainder(total, nums, den), nil
}

// largestRemainder floors nums/den and hands the missing units of total to the largest
// remainders, ties to the earlier index. The nums sum to total·den.
func largestRemainder(total int64, nums []*big.Int, den *big.Int) []int64 {
	shares := make([]int64, len(nums))
	rems := make([]*big.Int, len(nums))
	order := make([]int, len(nums))
	left := total
	for i, n := range nums {
		q, r := new(big.Int).QuoRem(n, den, new(big.Int))
		shares[i], rems[i], order[i] = q.Int64(), r, i
		left -= shares[i]
	}
	sort.SliceStable(order, func(a, b int) bool { return rems[order[a]].Cmp(rems[order[b]]) > 0 })
	for i := int64(0); i < left; i++ {
		shares[order[i]]++
	}
	return shares
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}
