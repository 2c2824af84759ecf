package affiliate

import (
	"mezzo/internal/db"
)

// Limits of a program, by API.md §4.
const (
	MinRate         = 100  // basis points
	MaxRate         = 8000 // basis points
	MaxWindowHours  = 2160
	MaxHoldDays     = 60
	DefaultWindow   = 336 // hours
	DefaultHoldDays = 15
	MaxName         = 100 // characters
	MaxProducts     = 1000
	MaxCreators     = 1000
)

// Affiliate is the room: its methods are what people do.
type Affiliate struct {
	d        *db.DB
	follower follower
	measures Measures // nil: nothing is measured
}

// New returns the room that d keeps.
func New(d *db.DB) *Affiliate {
	return &Affiliate{d: d, follower: follower{turned: make(chan struct{})}}
}
