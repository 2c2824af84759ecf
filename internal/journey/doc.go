// Package journey proves whole journeys through the true program: by the public contract, in a browser, and across kill -9.
package journey
