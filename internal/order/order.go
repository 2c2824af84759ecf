// Package order owns the way from cart to delivery: what is bought, at which price, from whom, and where it stands.
package order
