// Package feed owns what viewers are shown: pages drawn with the odds of every slot in the log, the token of each showing, and the events that answer them.
package feed
