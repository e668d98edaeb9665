// Package nearest finds the known words that a misspelt one most likely means. It compares whole words, ignores case, and suggests nothing if
// half of the word would have to change.
package nearest

import (
	"slices"
	"strings"
)

// longest is the longest word in bytes that is compared: longer ones aren't misspelt words.
const longest = 64

// Words returns the known words that are nearest to word, at most three, in their order in known; nil if none is near.
func Words(word string, known []string) []string {
	if word == "" || len(word) > longest {
		return nil
	}
	least, out := min(3, max(len(word)/2+1, 2)), []string(nil)
	for _, k := range known {
		switch d := distance(strings.ToLower(word), strings.ToLower(k)); {
		case d < least:
			least, out = d, []string{k}
		case d == least && len(out) > 0 && len(out) < 3 && !slices.Contains(out, k):
			out = append(out, k)
		}
	}
	return out
}

// Question returns "did you mean a or b?" for the known words nearest to word, or "" if none is near.
func Question(word string, known []string) string {
	if near := Words(word, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// distance is the Levenshtein distance in bytes. It need not be fast: words are short and errors rare.
func distance(a, b string) int {
	if len(b) > longest {
		return len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			next := diagonal
			if a[i] != b[j] {
				next = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
