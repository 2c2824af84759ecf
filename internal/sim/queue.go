package sim

import "container/heap"

// The kinds of job; at one moment the lower ones come first.
const (
	jobPost = iota
	jobDay
	jobPaid
	jobBack
	jobPage
)

// job is something that happens at a moment of the world.
type job struct {
	at         int64
	kind, a    int
	page       int
	sale       *sale
	registered int // in the order of coming, which decides between equals
}

// queue holds what is to come, the earliest in front.
type queue struct {
	jobs  jobs
	count int
}

func (q *queue) len() int { return len(q.jobs) }

func (q *queue) push(j job) {
	q.count++
	j.registered = q.count
	heap.Push(&q.jobs, j)
}

func (q *queue) pop() job { return heap.Pop(&q.jobs).(job) }

type jobs []job

func (j jobs) Len() int      { return len(j) }
func (j jobs) Swap(a, b int) { j[a], j[b] = j[b], j[a] }
func (j jobs) Less(a, b int) bool {
	switch {
	case j[a].at != j[b].at:
		return j[a].at < j[b].at
	case j[a].kind != j[b].kind:
		return j[a].kind < j[b].kind
	}
	return j[a].registered < j[b].registered
}
func (j *jobs) Push(x any) { *j = append(*j, x.(job)) }
func (j *jobs) Pop() any {
	last := (*j)[len(*j)-1]
	*j = (*j)[:len(*j)-1]
	return last
}
