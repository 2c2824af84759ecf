// Package demo fills a Mezzo with made-up people, goods, films and a past, and lets simulated shoppers use it, all through the public contract.
package demo
