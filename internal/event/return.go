package event

import "mezzo/internal/id"

// Topics about goods on their way back.
const (
	TopicReturnRequested = "return.requested"
	TopicReturnApproved  = "return.approved"
	TopicReturnDeclined  = "return.declined"
	TopicReturnWithdrawn = "return.withdrawn"
	TopicReturnSent      = "return.sent"
	TopicReturnReceived  = "return.received"
	TopicReturnRefunded  = "return.refunded"
)

// ReturnState is a return as it stands. What people wrote stays out of the log.
type ReturnState struct {
	Return id.Return     `json:"return"`
	Order  id.Order      `json:"order"`
	Part   id.Part       `json:"part"`
	Brand  id.Brand      `json:"brand"`
	Keeps  bool          `json:"keeps,omitempty"` // the buyer keeps the goods: refund only
	Lines  []ReturnUnits `json:"lines"`
}

// ReturnUnits is a number of units of a line.
type ReturnUnits struct {
	Line     id.Line    `json:"line"`
	Product  id.Product `json:"product"`
	Variant  id.Variant `json:"variant"`
	Quantity int64      `json:"quantity"`
}

// ReturnRequested says that a buyer wants to give something back: the brand has 48 hours to answer.
type ReturnRequested struct{ ReturnState }

// Topic implements Body.
func (ReturnRequested) Topic() string { return TopicReturnRequested }

// ReturnApproved says that the goods may be sent back.
type ReturnApproved struct {
	ReturnState
	BySilence bool `json:"by_silence,omitempty"` // the brand had not answered in time
}

// Topic implements Body.
func (ReturnApproved) Topic() string { return TopicReturnApproved }

// ReturnDeclined says that the brand does not take the goods back.
type ReturnDeclined struct{ ReturnState }

// Topic implements Body.
func (ReturnDeclined) Topic() string { return TopicReturnDeclined }

// ReturnWithdrawn says that a return was called off: by its buyer, or because nothing was sent in time.
type ReturnWithdrawn struct{ ReturnState }

// Topic implements Body.
func (ReturnWithdrawn) Topic() string { return TopicReturnWithdrawn }

// ReturnSent says that the buyer has sent the goods back.
type ReturnSent struct {
	ReturnState
	Carrier  string `json:"carrier"`
	Tracking string `json:"tracking,omitempty"`
}

// Topic implements Body.
func (ReturnSent) Topic() string { return TopicReturnSent }

// ReturnReceived says that the goods are back.
type ReturnReceived struct {
	ReturnState
	BySilence bool `json:"by_silence,omitempty"` // the brand had not said so in time
}

// Topic implements Body.
func (ReturnReceived) Topic() string { return TopicReturnReceived }

// ReturnRefunded says that the return has ended with the money on its way back. Refund is empty where all of it
// had been refunded otherwise; OrderRefunded says when the provider has confirmed it.
type ReturnRefunded struct {
	ReturnState
	Refund id.Refund `json:"refund,omitempty"`
}

// Topic implements Body.
func (ReturnRefunded) Topic() string { return TopicReturnRefunded }
