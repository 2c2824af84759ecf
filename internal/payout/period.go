package payout

import (
	"time"

	"mezzo/internal/fault"
)

// StatementTime reads the time of a statement: days or moments, this month when nothing is said.
func StatementTime(from, to string, now time.Time) (begin, end time.Time, err error) {
	now = now.UTC()
	begin = time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if from != "" {
		if begin, err = moment("query.from", from); err != nil {
			return begin, end, err
		}
	}
	if end = begin.AddDate(0, 1, 0); to != "" {
		end, err = moment("query.to", to)
	}
	return begin, end, err
}

func moment(location, text string) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 2000 && t.Year() < 2200 {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, fault.InvalidField(location, "Write a day such as 2026-11-01, or a time such as 2026-11-01T00:00:00Z.")
}
