package payout

// InGroupsOf makes scheduled payouts of so many owners in one transaction.
func (p *Payouts) InGroupsOf(n int) { p.together = n }
