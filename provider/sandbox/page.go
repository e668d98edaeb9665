package sandbox

import (
	"errors"
	"slices"
	"strconv"
)

var errCursor = errors.New("the cursor names nothing in the list")

// page cuts a newest-first list by Daily's cursors (A1): after returns what follows, before what is just above.
func page[T any](all []T, id func(T) string, limit int, after, before string) ([]T, error) {
	index := func(cursor string) (int, error) {
		i := slices.IndexFunc(all, func(t T) bool { return id(t) == cursor })
		if i < 0 {
			return 0, errCursor
		}
		return i, nil
	}
	if after != "" {
		i, err := index(after)
		if err != nil {
			return nil, err
		}
		all = all[i+1:]
	}
	if before != "" {
		i, err := index(before)
		if err != nil {
			return nil, err
		}
		return all[max(0, i-limit):i], nil
	}
	return all[:min(limit, len(all))], nil
}

// limitOf parses a limit between 1 and most.
func limitOf(s string, def, most int) (int, bool) {
	if s == "" {
		return def, true
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= most
}
