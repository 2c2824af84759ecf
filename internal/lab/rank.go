package lab

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sort"

	"mezzo/internal/clock"
	"mezzo/internal/rank"
)

// RankOptions says what a ranking is judged on.
type RankOptions struct {
	Train, Valid, Test string // files; Valid may be ""
	Separator          rune
	Columns            []string // names in order, user and item among them; time orders the one-pass run
	Header             bool     // the first line is no row
	K, Epochs          int
	Seed               uint64
	Clock              clock.Clock
	Note               func(format string, args ...any) // progress
}

// Ranking is how good a top-k list is, averaged over the test's users.
type Ranking struct {
	K                                 int
	Recall, NDCG, MRR, Hit, Precision float64
}

// Named returns the metrics by the names the literature uses, as recall@10.
func (r Ranking) Named() map[string]float64 {
	at := func(name string) string { return fmt.Sprintf("%s@%d", name, r.K) }
	return map[string]float64{at("recall"): r.Recall, at("ndcg"): r.NDCG, at("mrr"): r.MRR, at("hit"): r.Hit, at("precision"): r.Precision}
}

// RankReport is the judgement.
type RankReport struct {
	Model      string             `json:"model"`
	Users      int                `json:"users"` // of the test
	Items      int                `json:"items"`
	Epochs     int                `json:"epochs"` // of those run, the one that ranked the valid file best
	Metrics    map[string]float64 `json:"metrics"`
	Popularity map[string]float64 `json:"popularity"`
	OnePass    map[string]float64 `json:"online_one_pass"`
	Seconds    float64            `json:"seconds"`
}

// like is a row: every one is a positive.
type like struct {
	user, item int
	at         float64
}

// split is the data by number.
type split struct {
	users, items       map[string]int
	train, valid, test []like
}

// Rank fits the production factorisation by replaying the train file and ranks all items for every user
// of the test, the ones in train and valid left out.
func Rank(o RankOptions) (*RankReport, error) {
	if o.K < 1 || o.K > 1_000 || o.Epochs < 1 || o.Epochs > 10_000 {
		return nil, errors.New("--k is 1 to 1000 and --epochs 1 to 10000")
	}
	start := o.Clock.Now()
	s := &split{users: map[string]int{}, items: map[string]int{}}
	for _, file := range []struct {
		path string
		into *[]like
	}{{o.Train, &s.train}, {o.Valid, &s.valid}, {o.Test, &s.test}} {
		if file.path == "" {
			continue
		}
		if err := s.read(&o, file.path, file.into); err != nil {
			return nil, err
		}
	}
	if len(s.train) == 0 || len(s.test) == 0 {
		return nil, errors.New("train and test need at least one row each")
	}
	known, relevant := s.byUser(s.train), s.byUser(s.test)
	withValid := s.byUser(append(slices.Clone(s.train), s.valid...))
	report := &RankReport{
		Model: fmt.Sprintf("rank.Factors: %d dimensions, sampled softmax over %d negatives, one step per event", rank.Dim, rank.Negatives),
		Items: len(s.items), Epochs: o.Epochs,
	}
	for _, items := range relevant {
		if len(items) > 0 {
			report.Users++
		}
	}
	report.Popularity = s.judge(s.popularity(), withValid, relevant, o.K).Named()
	report.OnePass = s.judge(s.onePass(o.Seed), withValid, relevant, o.K).Named()
	report.Metrics = s.fit(&o, report, known, withValid, relevant)
	report.Seconds = o.Clock.Now().Sub(start).Seconds()
	return report, nil
}

func (s *split) read(o *RankOptions, path string, into *[]like) error {
	t, err := ReadTable(path, o.Separator, o.Columns, o.Header)
	if err != nil {
		return err
	}
	user, err := t.Column("user")
	if err != nil {
		return err
	}
	item, err := t.Column("item")
	if err != nil {
		return err
	}
	at, timeless := t.Column("time")
	for row, fields := range t.Rows {
		l := like{number(s.users, fields[user]), number(s.items, fields[item]), float64(row)}
		if timeless == nil {
			if l.at, err = t.Number(row, at); err != nil {
				return err
			}
		}
		*into = append(*into, l)
	}
	return nil
}

// number returns the number of a name, the next one when it is new.
func number(names map[string]int, name string) int {
	n, known := names[name]
	if !known {
		n = len(names)
		names[name] = n
	}
	return n
}

func (s *split) byUser(likes []like) []map[int]bool {
	by := make([]map[int]bool, len(s.users))
	for i := range by {
		by[i] = map[int]bool{}
	}
	for _, l := range likes {
		by[l.user][l.item] = true
	}
	return by
}

// scorer writes how well every item suits a user.
type scorer func(user int, into []float64)

func (s *split) popularity() scorer {
	count := make([]float64, len(s.items))
	for _, l := range s.train {
		count[l.item]++
	}
	return func(_ int, into []float64) { copy(into, count) }
}

// onePass learns every row once, in the order of time: what a viewer would have met.
func (s *split) onePass(seed uint64) scorer {
	rows := slices.Clone(s.train)
	sort.SliceStable(rows, func(a, b int) bool { return rows[a].at < rows[b].at })
	known := s.byUser(nil)
	f := rank.NewFactors(len(s.users), len(s.items), seed)
	for _, l := range rows {
		known[l.user][l.item] = true
		f.Like(l.user, l.item, func(item int) bool { return known[l.user][item] })
	}
	return f.Scores
}

// evaluateEvery is how many passes lie between two looks at the valid file.
const evaluateEvery = 5

// fit replays the train file and returns the metrics of the test at the pass that ranked the valid
// file best; without one, at the last.
func (s *split) fit(o *RankOptions, report *RankReport, known, withValid, relevant []map[int]bool) map[string]float64 {
	f := rank.NewFactors(len(s.users), len(s.items), o.Seed)
	r := rand.New(rand.NewPCG(o.Seed, 0x6c6162))
	rows, wanted := slices.Clone(s.train), s.byUser(s.valid)
	best, metrics := -1.0, Ranking{K: o.K}
	for epoch := 1; epoch <= o.Epochs; epoch++ {
		r.Shuffle(len(rows), func(a, b int) { rows[a], rows[b] = rows[b], rows[a] })
		for _, l := range rows {
			f.Like(l.user, l.item, func(item int) bool { return known[l.user][item] })
		}
		if epoch%evaluateEvery != 0 && epoch != o.Epochs {
			continue
		}
		score := float64(epoch)
		if len(s.valid) > 0 {
			score = s.judge(f.Scores, known, wanted, o.K).NDCG
			o.Note("pass %d of %d: ndcg@%d %.4f on the valid file", epoch, o.Epochs, o.K, score)
		}
		if score > best {
			best, report.Epochs = score, epoch
			metrics = s.judge(f.Scores, withValid, relevant, o.K)
		}
	}
	return metrics.Named()
}

// judge ranks all items but the known ones for every user who has relevant ones. Equals go by number,
// so that a scorer that says nothing is not lucky.
func (s *split) judge(by scorer, known, relevant []map[int]bool, k int) Ranking {
	sum, users := Ranking{K: k}, 0.0
	scores, order := make([]float64, len(s.items)), make([]int, 0, len(s.items))
	for user, want := range relevant {
		if len(want) == 0 {
			continue
		}
		users++
		by(user, scores)
		order = order[:0]
		for item := range scores {
			if !known[user][item] {
				order = append(order, item)
			}
		}
		top(order, scores)
		one := rankingOf(order[:min(k, len(order))], want, k)
		sum.Recall, sum.NDCG, sum.MRR = sum.Recall+one.Recall, sum.NDCG+one.NDCG, sum.MRR+one.MRR
		sum.Hit, sum.Precision = sum.Hit+one.Hit, sum.Precision+one.Precision
	}
	if users > 0 {
		sum.Recall, sum.NDCG, sum.MRR, sum.Hit, sum.Precision = sum.Recall/users, sum.NDCG/users, sum.MRR/users, sum.Hit/users, sum.Precision/users
	}
	return sum
}

// top puts the best first.
func top(order []int, scores []float64) {
	sort.Slice(order, func(a, b int) bool {
		if scores[order[a]] != scores[order[b]] {
			return scores[order[a]] > scores[order[b]]
		}
		return order[a] < order[b]
	})
}

// rankingOf returns the metrics of one list. An ideal list has all relevant items first.
func rankingOf(list []int, want map[int]bool, k int) Ranking {
	var r Ranking
	gain, ideal, hits := 0.0, 0.0, 0.0
	for place, item := range list {
		if want[item] {
			hits++
			gain += 1 / math.Log2(float64(place)+2)
			if r.MRR == 0 {
				r.MRR = 1 / float64(place+1)
			}
		}
	}
	for place := range min(k, len(want)) {
		ideal += 1 / math.Log2(float64(place)+2)
	}
	r.Recall, r.NDCG, r.Precision = hits/float64(len(want)), gain/ideal, hits/float64(k)
	r.Hit = min(hits, 1)
	return r
}
