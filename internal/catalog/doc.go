// Package catalog owns what brands sell: products and their variants, stock and what is reserved of it, and how a brand ships.
package catalog
