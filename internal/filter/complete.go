package filter

import (
	"slices"
	"strings"

	"greenroom/internal/latin"
	"greenroom/provider"
)

// Complete completes the last word of a text: the name of a field, or a value. values returns the known values of fields such as
// account, and may be nil. Complete returns the text with the certain part of the word, and the possible words, in order.
func Complete(text string, of Subject, values func(Field) []string) (string, []string) {
	at := strings.LastIndexAny(text, " \t(") + 1
	for at < len(text) && text[at] == '-' {
		at++
	}
	before, word := text[:at], text[at:]
	var known []string
	ending := ""
	if name, list, ok := strings.Cut(word, ":"); ok {
		field, _, found := fieldNamed(name)
		if !found {
			return text, nil
		}
		value := list[strings.LastIndex(list, ",")+1:]
		before, word = before+word[:len(word)-len(value)], value
		switch field {
		case Kind:
			for _, k := range provider.EventKinds() {
				known = append(known, string(k))
			}
		case Verdict:
			for _, v := range verdicts {
				known = append(known, string(v))
			}
		case Is:
			known = Properties(of)
		default:
			if values != nil {
				known = slices.Clone(values(field))
			}
		}
	} else {
		known, ending = Fields(of), ":"
	}
	known = slices.DeleteFunc(known, func(k string) bool {
		return !latin.HasPrefix(k, word)
	})
	if word == "" && ending != "" || len(known) == 0 {
		return text, known
	}
	common := known[0]
	for _, k := range known[1:] {
		n := 0
		for n < min(len(common), len(k)) && common[n] == k[n] {
			n++
		}
		common = common[:n]
	}
	if !latin.HasPrefix(common, word) { // those that follow differ in an accent of what was typed
		common = word
	}
	if len(known) == 1 {
		if common += ending; strings.ContainsAny(common, " \t(),\"") {
			common = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(common) + `"`
		}
	}
	return before + common, known
}
