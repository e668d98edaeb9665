package filter

import (
	"net/http"
	"time"

	"greenroom/provider"
)

// Item is a room or a meeting as an [Event] of subject [Rooms]: its words are searched in Names and People.
type Item struct {
	Account, Room, Group string
	// Meeting is the meeting's id, empty for a room without one.
	Meeting string
	// Names are the texts that words are searched in besides those of the people: the room, the platform's room, the account.
	Names []string
	// People returns the names of the people. It is called only where they decide, and may be nil.
	People func() []string
	Flags  Flag
	// At is when the meeting starts or started.
	At time.Time
}

// MatchItem reports whether the filter selects a room or a meeting.
func (f *Filter) MatchItem(i Item) bool { return f.Empty() || f.root.match(i) }

// Text implements [Event].
func (i Item) Text(f Field) string {
	switch f {
	case Account:
		return i.Account
	case Room:
		return i.Room
	case Group:
		return i.Group
	case Meeting:
		return i.Meeting
	}
	return ""
}

// Number implements [Event].
func (i Item) Number(Field) int64 { return 0 }

// Time implements [Event].
func (i Item) Time() time.Time { return i.At }

// Is implements [Event].
func (i Item) Is(f Flag) bool { return i.Flags&f != 0 }

// Header implements [Event].
func (i Item) Header() http.Header { return nil }

// Body implements [Event].
func (i Item) Body() []byte { return nil }

// MayHold implements [Event].
func (i Item) MayHold(string) bool { return true }

// Words implements [Event].
func (i Item) Words() []string { return append(append([]string(nil), i.Names...), i.people()...) }

func (i Item) people() []string {
	if i.People == nil {
		return nil
	}
	return i.People()
}

// kindOf is the kind of an event.
func kindOf(e Event) provider.EventKind { return provider.EventKind(e.Text(Kind)) }
