// Package sim owns a seeded world on a virtual clock: viewers, creators and products whose behaviour is
// given by equations, fed page by page by the production ranking, to check its mechanism. It is no
// evidence about the real world.
package sim
