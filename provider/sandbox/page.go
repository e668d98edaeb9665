package sandbox

import (
	"slices"
	"strconv"
)

// dailyPage cuts a newest-first list by limit and by the cursors in two parameters (A1): after returns what follows, before what is
// just above.
func dailyPage[T any](c *call, all []T, id func(T) string, after, before string) ([]T, *answer) {
	limit, fine := limitOf(c.query.Get("limit"), 100, 100)
	if !fine {
		return nil, dailyInvalid("limit must be a number from 1 to 100").refusal()
	}
	index := func(cursor string) int { return slices.IndexFunc(all, func(t T) bool { return id(t) == cursor }) }
	if cursor := c.query.Get(after); cursor != "" {
		i := index(cursor)
		if i < 0 {
			return nil, dailyInvalid(unknownCursor).refusal()
		}
		all = all[i+1:]
	}
	if cursor := c.query.Get(before); cursor != "" {
		i := index(cursor)
		if i < 0 {
			return nil, dailyInvalid(unknownCursor).refusal()
		}
		return all[max(0, i-limit):i], nil
	}
	return all[:min(limit, len(all))], nil
}

const unknownCursor = "the cursor names nothing in the list"

// limitOf parses a limit between 1 and most.
func limitOf(s string, def, most int) (int, bool) {
	if s == "" {
		return def, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= most
}
