// Package cases makes properties run the same generated cases each time, so that a test that passed passes again. With
// GREENROOM_SOAK=1, and with -rapid.seed, other cases are explored.
package cases

import (
	"flag"
	"os"
	"strconv"

	_ "pgregory.net/rapid" // defines the flag
)

const seedFlag = "rapid.seed"

var (
	fixed = os.Getenv("GREENROOM_SOAK") == "" && flag.Set(seedFlag, "1") == nil
	// ours is the seed that was set here; any other was given on the command line.
	ours = "1"
)

// Vary chooses the n-th set of cases for the checks that follow, in tests that check a property several times.
func Vary(n int) {
	if f := flag.Lookup(seedFlag); fixed && f != nil && f.Value.String() == ours {
		ours = strconv.Itoa(n + 1)
		_ = flag.Set(seedFlag, ours) // the flag accepts every number
	}
}
