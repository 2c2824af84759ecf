// Package lab owns the judges of ranking on data files: the production code, and nothing written for
// the occasion, measured by the textbook's metrics.
package lab
