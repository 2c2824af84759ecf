// Package account owns people: who asks, who signs in, who creates and who sells.
package account
