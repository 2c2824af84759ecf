// Package metric owns what everything did: counts, rates and velocity of each video, room, creator,
// product, brand and program in sliding windows, as a fold of the log.
package metric
