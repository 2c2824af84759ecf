package feed

import "mezzo/internal/id"

// Policy is how the items of a page were chosen.
type Policy struct {
	ID      id.Policy
	Name    string
	Version uint32
}

// Uniform is the control for all other policies: whatever may be shown is as likely as anything
// else that may. Its rule is Draw.
func Uniform() Policy { return Policy{policyID(1), "uniform", 1} }

// Newest is not drawn at all: everything, the newest first.
func Newest() Policy { return Policy{policyID(2), "newest", 1} }

// policyID is the id of a policy that is written in code; it is the same in every Mezzo.
func policyID(number byte) id.Policy { return id.Policy("").From([16]byte{15: number}) }

// Why an item is on a page, in words for the people who see it.
const (
	whyUniform   = "shown at random: the control policy"
	whyCategory  = "from the category you chose"
	whyFollowing = "you follow this creator"
	whyNewest    = "newest first"
)
