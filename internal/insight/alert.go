package insight

import "math"

// Sales is how many orders came in how many hours.
type Sales struct {
	Orders int64
	Hours  float64
}

// Change says how a rate of sales has changed: by which factor, and between which it lies with 95 %
// confidence. High is +Inf when nothing was sold before.
type Change struct {
	Times, Low, High float64
	N                int64
	// Faster and Slower say that it at least doubled or halved and that no change is out of the question.
	Faster, Slower bool
}

// Alerts begin at this many orders, then and now together, and at this change.
const (
	alertOrders = 10
	alertTimes  = 2.0
)

// Compared compares the sales of two spans. Of n orders those of now are binomial with
// p = now.Hours·r / (now.Hours·r + before.Hours) when the rate is r times what it was (Przyborowski and
// Wilenski, Biometrika 31, 1940), and p's interval is the exact one of Clopper and Pearson (Biometrika
// 26, 1934). Orders are counted rather than units: the pieces of one order do not come by themselves.
func Compared(now, before Sales) Change {
	n := now.Orders + before.Orders
	if n <= 0 || now.Hours <= 0 || before.Hours <= 0 {
		return Change{Times: 1, High: math.Inf(1)}
	}
	low, high := exact(now.Orders, n)
	times := func(p float64) float64 {
		if p >= 1 {
			return math.Inf(1)
		}
		return p / (1 - p) * before.Hours / now.Hours
	}
	c := Change{Times: times(float64(now.Orders) / float64(n)), Low: times(low), High: times(high), N: n}
	c.Faster = n >= alertOrders && c.Times >= alertTimes && c.Low > 1
	c.Slower = n >= alertOrders && c.Times <= 1/alertTimes && c.High < 1
	return c
}

// tail is what the exact interval leaves out at each end.
const tail = 0.025

// exactUpTo is the number of orders from which Wilson's interval, quick at any size, is as good.
const exactUpTo = 1000

// exact returns the Clopper–Pearson interval of k hits in n: the shares at which so many or more, and
// so few or fewer, would come with a probability of tail.
func exact(k, n int64) (low, high float64) {
	if n > exactUpTo {
		return wilson(k, n)
	}
	ways := make([]float64, n+1) // logarithms of how many ways there are to hit i of n
	for i := range n {
		ways[i+1] = ways[i] + math.Log(float64(n-i)/float64(i+1))
	}
	low, high = 0, 1
	if k > 0 {
		low = solve(func(p float64) bool { return 1-atMost(k-1, ways, p) > tail })
	}
	if k < n {
		high = solve(func(p float64) bool { return atMost(k, ways, p) < tail })
	}
	return low, high
}

// solve finds where a condition that holds from some share on begins to hold.
func solve(holds func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 40 {
		if mid := (low + high) / 2; holds(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2
}

// atMost is the probability of at most k hits in n = len(ways)-1.
func atMost(k int64, ways []float64, p float64) float64 {
	hit, miss, n, sum := math.Log(p), math.Log1p(-p), float64(len(ways)-1), 0.0
	for i, w := range ways[:k+1] {
		sum += math.Exp(w + float64(i)*hit + (n-float64(i))*miss)
	}
	return min(sum, 1)
}

// wilson is Wilson's score interval (1927) of k hits in n.
func wilson(k, n int64) (low, high float64) {
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	middle, half := p+z*z/(2*m), z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	low, high = max(0, (middle-half)/(1+z*z/m)), min(1, (middle+half)/(1+z*z/m))
	if k == 0 {
		low = 0 // rounding leaves a little beside the bound
	}
	if k == n {
		high = 1
	}
	return low, high
}
