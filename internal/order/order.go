// Package order sorts rooms for lists: rooms that need attention first, then by name in the natural order of the user's language. The screen
// and the commands share it.
package order

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"greenroom/internal/app"
	"greenroom/internal/stable"
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

// State is the state that decides a room's place in the list. Lower ones are further up.
type State int

// The states, in the order of the list.
const (
	Waiting State = iota // a participant is waiting to be let in
	Failing              // the account or the recording fails
	Live
	Soon // a booking begins within [Ahead], or should have begun
	Open
	Rest
)

// Ahead is how long before a booking its room needs attention.
const Ahead = 15 * time.Minute

// By holds the parameters of the order.
type By struct {
	Language language.Tag
	Now      time.Time
	// Failing reports whether an account fails; nil for none.
	Failing func(account string) bool
}

// Rooms sorts rooms in place: by state, favourites first, then by group and by name in natural order, 3 before 13.
func (by By) Rooms(rooms []app.RoomView) {
	c := collate.New(by.Language, collate.Numeric)
	var buf collate.Buffer
	keys := make(map[string][]byte, len(rooms))
	groups := make(map[string][]byte, len(rooms))
	states := make(map[string]State, len(rooms))
	for _, v := range rooms {
		states[v.ID] = by.State(v)
		if group := by.Heading(v); group != "" {
			groups[v.ID] = c.KeyFromString(&buf, group)
		}
		if _, ok := keys[v.Name]; !ok {
			keys[v.Name] = c.KeyFromString(&buf, v.Name)
		}
	}
	stable.Sort(rooms, func(a, b app.RoomView) int {
		return cmp.Or(cmp.Compare(states[a.ID], states[b.ID]), favouriteFirst(a, b), bytes.Compare(groups[a.ID], groups[b.ID]),
			bytes.Compare(keys[a.Name], keys[b.Name]), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

func favouriteFirst(a, b app.RoomView) int {
	switch {
	case a.Favourite == b.Favourite:
		return 0
	case a.Favourite:
		return -1
	}
	return 1
}

// Heading returns the group under which a room is listed. It is empty for favourites and for rooms that need attention.
func (by By) Heading(v app.RoomView) string {
	if v.Favourite || by.State(v) != Rest {
		return ""
	}
	return v.Group
}

// State returns the state of a room. Adopted rooms, whose platform room is always open, are open only while someone is in them.
func (by By) State(v app.RoomView) State {
	mt := v.Meeting
	if mt != nil && mt.Status == app.Ended {
		mt = nil
	}
	account := cmp.Or(v.Account, v.Would.Account)
	if mt != nil {
		account = mt.Account
	}
	switch {
	case mt != nil && mt.Waiting > 0:
		return Waiting
	case by.Failing != nil && by.Failing(account), mt != nil && failed(*mt):
		return Failing
	case mt != nil && mt.Status == app.Live:
		return Live
	case v.Booking != nil && !v.Booking.Next.IsZero() && v.Booking.Next.Sub(by.Now) <= Ahead:
		return Soon
	case mt != nil && !v.Adopted && !mt.Adopted:
		return Open
	}
	return Rest
}

// failed reports whether a meeting should be recorded but isn't.
func failed(mt app.Meeting) bool {
	return mt.RecordingError != "" && mt.Recording != app.IsRecording && mt.Recording != app.StartingRecording
}

// FailingAccounts returns a function for [By.Failing] that reports whether an account's health is failing.
func FailingAccounts(accounts []app.AccountStatus) func(account string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(accounts, func(a app.AccountStatus) bool { return a.Name == name && a.Health == "failing" })
	}
}
