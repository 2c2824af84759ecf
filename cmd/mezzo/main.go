// Command mezzo is a marketplace where selling is done by people: one program that serves the
// shop, its API and its live numbers from one machine or many.
package main

import "fmt"

// version is set by the build (make build); a plain `go build` leaves it.
var version = "unversioned"

func main() {
	fmt.Println("mezzo", version)
}
