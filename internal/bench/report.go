package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
)

// Report is what a run measured, and where.
type Report struct {
	Bench      string         `json:"bench"`
	Command    string         `json:"command"`
	Server     Server         `json:"server"`
	Machine    Machine        `json:"machine"`
	Clients    int            `json:"clients"`
	Batch      int            `json:"batch,omitempty"`
	Seconds    float64        `json:"seconds"` // counted, without the warm-up
	Unit       string         `json:"unit"`
	Done       int            `json:"done"`
	Rate       float64        `json:"rate"` // of units a second
	Latency    []Latency      `json:"latency_ms"`
	Errors     map[string]int `json:"errors"`
	Folding    *Folding       `json:"folding,omitempty"`
	Singles    *Singles       `json:"singles,omitempty"`
	Fresh      []Fresh        `json:"freshness,omitempty"`
	Replay     *Replayed      `json:"replay,omitempty"`
	Yardsticks []Yardstick    `json:"yardsticks"`
	Notes      []string       `json:"notes"`
}

// Server is what was loaded.
type Server struct {
	URL       string  `json:"url"`
	Own       bool    `json:"own"`    // started for this run on the same machine, with its defaults
	Engine    string  `json:"engine"` // "" where it is not ours to know
	Version   string  `json:"version"`
	CPUMicros float64 `json:"cpu_us_each,omitempty"` // processor time per event or order under load, when it was our own
	Cores     float64 `json:"cores_used,omitempty"`  // processors it kept busy meanwhile
	Clients   float64 `json:"clients_cpu_us_each"`   // processor time the load's clients took of the same machine for each
}

// Singles is what one event a request came to.
type Singles struct {
	Clients   int     `json:"clients"`
	Rate      float64 `json:"rate"`
	Latency   Latency `json:"latency_ms"`
	CPUMicros float64 `json:"cpu_us_each,omitempty"`
	ClientsUs float64 `json:"clients_cpu_us_each"`
}

// Latency is how long a step took, in milliseconds.
type Latency struct {
	Step  string  `json:"step"`
	Count int     `json:"count"`
	P50   float64 `json:"p50"`
	P95   float64 `json:"p95"`
	P99   float64 `json:"p99"`
	Max   float64 `json:"max"`
}

// Yardstick is what something simpler did with the same on the same machine in the same run.
type Yardstick struct {
	What  string  `json:"what"`
	Unit  string  `json:"unit"`
	Rate  float64 `json:"rate"`
	Ratio float64 `json:"ratio"` // our rate over this one
}

// fill takes over what a load measured. The steps are told in the order given.
func (r *Report) fill(unit string, t *tally, seconds float64, steps ...string) {
	r.Unit, r.Done, r.Seconds = unit, t.done, seconds
	if seconds > 0 {
		r.Rate = float64(t.done) / seconds
	}
	for _, s := range steps {
		r.Latency = append(r.Latency, latency(s, t.steps[s]))
	}
	for kind, n := range t.errors {
		r.Errors[kind] += n
	}
}

// spent notes the processor time the server and the clients took for so many, warm-up and all.
func (r *Report) spent(before, after spending, all int) {
	r.Server.CPUMicros, r.Server.Clients = after.each(before, all)
	if r.Server.CPUMicros > 0 {
		r.Server.Cores = (after.server.used - before.server.used).Seconds() / after.server.at.Sub(before.server.at).Seconds()
	}
}

// beside adds a yardstick.
func (r *Report) beside(what, unit string, rate float64) {
	y := Yardstick{What: what, Unit: unit, Rate: rate}
	if rate > 0 {
		y.Ratio = r.Rate / rate
	}
	r.Yardsticks = append(r.Yardsticks, y)
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	whose := "a running server"
	if r.Server.Own {
		whose = "a server of its own, " + r.Server.Engine + ", on the same machine"
	}
	if r.Server.URL == "" { // no server: the bench called what it measures itself
		fmt.Fprintf(&b, "%s\n  in process, %s\n", r.Command, r.Server.Engine)
	} else {
		fmt.Fprintf(&b, "%s\n  on %s (%s, %s)\n", r.Command, whose, r.Server.URL, r.Server.Version)
	}
	fmt.Fprintf(&b, "  machine: %d cores, %s, %s, %s\n", r.Machine.Cores, r.Machine.Platform, r.Machine.Go, r.Machine.CPU)
	fmt.Fprintf(&b, "  disk: %v fsyncs/s of 4 KiB before and after; load average %s\n\n", r.Machine.Fsyncs, strings.Join(r.Machine.Load, " then "))
	fmt.Fprintf(&b, "  %.0f %s/s  (%d in %.1f s by %d clients)\n", r.Rate, r.Unit, r.Done, r.Seconds, r.Clients)
	fmt.Fprintf(&b, "  %-12s %9s %9s %9s %9s %9s\n", "ms", "count", "p50", "p95", "p99", "max")
	for _, l := range r.Latency {
		l.text(&b)
	}
	switch {
	case r.Server.CPUMicros > 0 && r.Server.URL == "":
		fmt.Fprintf(&b, "  %.3g µs of processor time of this process for each\n", r.Server.CPUMicros)
	case r.Server.CPUMicros > 0:
		fmt.Fprintf(&b, "  the server used %.4g µs of processor time for each, %.1f of %d processors; the clients %.3g µs\n", r.Server.CPUMicros, r.Server.Cores, r.Machine.Cores, r.Server.Clients)
	}
	r.numbers(&b)
	for _, y := range r.Yardsticks {
		fmt.Fprintf(&b, "  beside %s: %.0f %s/s, ratio %.2f\n", y.What, y.Rate, y.Unit, y.Ratio)
	}
	kinds := make([]string, 0, len(r.Errors))
	for kind, n := range r.Errors {
		kinds = append(kinds, fmt.Sprintf("%d × %s", n, kind))
	}
	sort.Strings(kinds)
	if len(kinds) == 0 {
		kinds = []string{"none"}
	}
	fmt.Fprintf(&b, "  errors: %s\n", strings.Join(kinds, ", "))
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  %s\n", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// text writes a row.
func (l Latency) text(b *strings.Builder) {
	fmt.Fprintf(b, "  %-12s %9d %9.1f %9.1f %9.1f %9.1f\n", l.Step, l.Count, l.P50, l.P95, l.P99, l.Max)
}

// numbers writes what was found about events one by one, and about the numbers made of them.
func (r *Report) numbers(b *strings.Builder) {
	if f := r.Folding; f != nil {
		fmt.Fprintf(b, "  meanwhile the numbers took in %.0f records/s, %.0f %% of what was stored; the rest %.1f s later; readable p99 %.0f ms after the acknowledgement; the next page of feed knew p99 %.0f ms after it\n",
			f.Rate, 100*f.Share, f.CatchUp, f.Slowest, f.Ranked)
	}
	if s := r.Singles; s != nil {
		fmt.Fprintf(b, "\n  %.0f requests/s of one event by %d clients\n", s.Rate, s.Clients)
		s.Latency.text(b)
		if s.CPUMicros > 0 {
			fmt.Fprintf(b, "  the server used %.4g µs of processor time for each, the clients %.3g µs\n", s.CPUMicros, s.ClientsUs)
		}
	}
	for _, f := range r.Fresh {
		fmt.Fprintf(b, "\n  at %.0f events/s offered in batches of %d, %.0f/s acknowledged, %.0f/s learned from:\n", f.Offered, f.Batch, f.Reached, f.Learned)
		f.Acks.text(b)
		for _, l := range f.Probes {
			l.text(b)
		}
		fmt.Fprintf(b, "  all events, by the server: readable p50 %.1f ms, p99 %.1f ms after the acknowledgement; the next page of feed knew p50 %.1f ms, p99 %.1f ms after it\n", f.Visible[0], f.Visible[1], f.Ranked[0], f.Ranked[1])
	}
	if p := r.Replay; p != nil {
		same := "the same numbers"
		if !p.Same {
			same = "NOT THE SAME NUMBERS"
		}
		fmt.Fprintf(b, "\n  replayed %d records at %.0f/s: %s\n", p.Records, p.Rate, same)
	}
	b.WriteByte('\n')
}
