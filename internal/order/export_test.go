package order

// InGroupsOf makes releases take so many parts in one transaction.
func (o *Orders) InGroupsOf(n int) { o.together = n }
