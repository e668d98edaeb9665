// Package order sorts rooms as people look for them: first those where someone waits, then by name in the natural order
// of the user's language. The screen and the commands share it.
package order

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"greenroom/internal/app"
)

// Language returns the language for sorting, by the environment: LC_ALL, LC_COLLATE or LANG, the first that is set.
func Language(getenv func(string) string) language.Tag {
	for _, name := range []string{"LC_ALL", "LC_COLLATE", "LANG"} {
		v := getenv(name)
		if v == "" {
			continue
		}
		v, _, _ = strings.Cut(v, ".")
		v, _, _ = strings.Cut(v, "@")
		tag, err := language.Parse(strings.ReplaceAll(v, "_", "-"))
		if err != nil {
			return language.Und // C and POSIX
		}
		return tag
	}
	return language.Und
}

// Rooms sorts rooms in place: someone waits, something fails, live, open, the rest. Adopted rooms whose platform room is always open
// count as open only while someone is in them. Within a rank names are in natural order: 3 before 13.
func Rooms(rooms []app.RoomView, lang language.Tag) {
	c := collate.New(lang, collate.Numeric)
	var buf collate.Buffer
	keys := make(map[string][]byte, len(rooms))
	for _, v := range rooms {
		if _, ok := keys[v.Name]; !ok {
			keys[v.Name] = c.KeyFromString(&buf, v.Name)
		}
	}
	slices.SortStableFunc(rooms, func(a, b app.RoomView) int {
		return cmp.Or(rank(a)-rank(b), bytes.Compare(keys[a.Name], keys[b.Name]), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

func rank(v app.RoomView) int {
	switch mt := v.Meeting; {
	case mt == nil || mt.Status == app.Ended:
		return 4
	case mt.Waiting > 0:
		return 0
	case mt.RecordingError != "" && mt.Recording != app.IsRecording && mt.Recording != app.StartingRecording:
		return 1
	case mt.Status == app.Live:
		return 2
	case v.Adopted || mt.Adopted:
		return 4
	}
	return 3
}
