// Package tidy holds the tests that keep the house in order: floors, sizes, names, words and dependencies.
package tidy
