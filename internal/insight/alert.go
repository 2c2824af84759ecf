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

// exact returns the Clopper–Pearson interval of k hits in n: the shares at which so many or more, and
// so few or fewer, would come with a probability of tail.
func exact(k, n int64) (low, high float64) {
	low, high = 0, 1
	if k > 0 {
		low = solve(func(p float64) bool { return 1-atMost(k-1, n, p) > tail })
	}
	if k < n {
		high = solve(func(p float64) bool { return atMost(k, n, p) < tail })
	}
	return low, high
}

// solve finds where a condition that holds from some share on begins to hold.
func solve(holds func(p float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if mid := (low + high) / 2; holds(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return (low + high) / 2
}

// atMost is the probability of at most k hits in n. The terms are summed from their logarithms, so that
// thousands of orders are no trouble.
func atMost(k, n int64, p float64) float64 {
	switch {
	case k >= n || p <= 0:
		return 1
	case p >= 1:
		return 0
	}
	all, _ := math.Lgamma(float64(n) + 1)
	sum := 0.0
	for i := range k + 1 {
		hits, _ := math.Lgamma(float64(i) + 1)
		rest, _ := math.Lgamma(float64(n-i) + 1)
		sum += math.Exp(all - hits - rest + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}
