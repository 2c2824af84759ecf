package event

import (
	"mezzo/internal/id"
	"mezzo/internal/money"
)

// Topics about free samples.
const (
	TopicSampleRequested = "sample.requested"
	TopicSampleCancelled = "sample.cancelled"
	TopicSampleDelivered = "sample.delivered"
	TopicSampleLost      = "sample.lost"
	TopicSampleFulfilled = "sample.fulfilled"
	TopicSampleOverdue   = "sample.overdue"
)

// SampleChanged says what a free sample has come to, where somebody other than its brand has done it. A sample is
// no sale: no number of sales counts it.
type SampleChanged struct {
	Sample  id.Sample     `json:"sample"`
	Program id.Program    `json:"program"`
	Brand   id.Brand      `json:"brand"`
	Creator id.Creator    `json:"creator"`
	Product id.Product    `json:"product"`
	Variant id.Variant    `json:"variant"`
	State   string        `json:"state"` // requested, cancelled, delivered, lost, fulfilled, overdue
	Video   id.Video      `json:"video,omitempty"`
	Charged *money.Amount `json:"charged,omitempty"` // what its creator paid for it
}

// Topic implements Body.
func (s SampleChanged) Topic() string { return "sample." + s.State }
