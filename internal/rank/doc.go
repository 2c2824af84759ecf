// Package rank owns what is shown to whom: candidates, predictions, their value in money, the slate
// drawn from them with exact propensities, and the stages of tested reach; learned online, as a fold
// of the log. How big somebody already is cannot reach it: no type of it has a place for that.
package rank
