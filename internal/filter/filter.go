// Package filter reads and applies the language that selects events, rooms and meetings: the same one in commands, forwards,
// notifications and on the screen.
//
//	kind:recording.ready room:standup since:2h
//	(status:>=400 or is:unapplied) -account:test "lost connection" /user-\d+/
//
// It is pure: the caller passes the time, and the values of an event are read through [Event], the cheap ones first. A store that
// has a column of values beside its rows asks [Filter.May] first and skips the rows that can't match. Words, names and values
// ignore case and accents.
package filter

import (
	"net/http"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Subject is the kind of things that a filter selects.
type Subject int

// The subjects. Some fields exist for one of them only.
const (
	Events Subject = iota
	Rooms          // rooms and meetings
)

// Options configure [Parse].
type Options struct {
	// Now is the time from which ages count. Dates and times without a zone are in its location.
	Now time.Time
	Of  Subject
}

// Filter is a filter that was read. The zero value and nil select everything. It can be used by several goroutines.
type Filter struct {
	root node
	of   Subject
}

// Parse reads a filter. An empty text selects everything. Errors are of type [*Error].
func Parse(text string, o Options) (*Filter, error) {
	p := parser{lexer: lexer{text: text}, Options: o}
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	return &Filter{root: root, of: o.Of}, nil
}

// Empty reports whether the filter selects everything.
func (f *Filter) Empty() bool { return f == nil || f.root == nil }

// String returns a text that is read as the same filter at any time and in any zone. It is empty for a filter that selects
// everything.
func (f *Filter) String() string {
	if f.Empty() {
		return ""
	}
	return string(f.root.print(nil))
}

// Match reports whether the filter selects an event.
func (f *Filter) Match(e Event) bool { return f.Empty() || f.root.match(e) }

// MatchDelivery reports whether the filter selects a complete delivery. A row of a list has neither headers nor body.
func (f *Filter) MatchDelivery(d *app.Delivery) bool { return f.Match(Delivery{d}) }

// May reports whether the filter may select an event with these columns. If it returns false, no such event matches.
func (f *Filter) May(c *Columns) bool { return f.Empty() || f.root.may(c) != no }

// Fields returns the fields of a subject, in the order of the manual.
func Fields(of Subject) []string {
	var out []string
	for _, f := range fields {
		if f.of(of) {
			out = append(out, f.name)
		}
	}
	return out
}

// Event is an event that a filter reads. Expensive values are read last.
type Event interface {
	// Text returns the value of a field of text.
	Text(Field) string
	// Number returns status, size or seq.
	Number(Field) int64
	// Time is the time of arrival, or when a room's meeting starts.
	Time() time.Time
	// Is reports a property, such as "duplicate".
	Is(Flag) bool
	Header() http.Header
	Body() []byte
	// MayHold returns false only if the word, folded and of ASCII that JSON doesn't escape, is in none of the texts that words are
	// searched in.
	MayHold(word string) bool
	// Words returns the texts that are searched for words besides headers and body.
	Words() []string
}

// Delivery is a whole delivery as an [Event].
type Delivery struct{ *app.Delivery }

// Text implements [Event].
func (d Delivery) Text(f Field) string {
	switch f {
	case Account:
		return d.Account
	case Type:
		return d.Type
	case Kind:
		return string(d.Kind)
	case Verdict:
		return string(d.Verdict)
	case Room:
		return d.Room
	case Meeting:
		return d.Meeting
	case Participant:
		return d.Participant
	case Session:
		return d.Session
	case Method:
		return d.Method
	case Target:
		return d.Target
	case Via:
		return d.Via
	case Remote:
		return d.Remote
	}
	return ""
}

// Number implements [Event].
func (d Delivery) Number(f Field) int64 {
	switch f {
	case Status:
		return int64(d.Status)
	case Size:
		return d.Size
	}
	return int64(d.Seq)
}

// Time implements [Event].
func (d Delivery) Time() time.Time { return d.At.Time }

// Is implements [Event].
func (d Delivery) Is(f Flag) bool { return FlagsOf(d.Delivery)&f != 0 }

// Header implements [Event].
func (d Delivery) Header() http.Header { return d.Headers }

// Body implements [Event].
func (d Delivery) Body() []byte { return d.Delivery.Body }

// MayHold implements [Event].
func (d Delivery) MayHold(string) bool { return true }

// Words implements [Event].
func (d Delivery) Words() []string {
	return []string{d.Account, d.Room, d.Participant, string(d.Kind), d.Type, d.Target}
}

// Flag is a property that `is:` selects.
type Flag uint16

// The properties of events, and those of rooms and meetings.
const (
	Duplicate Flag = 1 << iota
	Replay
	Unapplied
	Imported

	Live
	Open
	Ended
	Waiting
	Failing
	Adopted
	Soon
	Favourite
)

var flags = []struct {
	name string
	Flag
	of Subject
}{
	{"duplicate", Duplicate, Events}, {"replay", Replay, Events}, {"unapplied", Unapplied, Events}, {"imported", Imported, Events},
	{"live", Live, Rooms}, {"open", Open, Rooms}, {"ended", Ended, Rooms}, {"waiting", Waiting, Rooms}, {"failing", Failing, Rooms},
	{"adopted", Adopted, Rooms}, {"soon", Soon, Rooms}, {"favourite", Favourite, Rooms},
}

// FlagsOf returns the properties of a delivery.
func FlagsOf(d *app.Delivery) (f Flag) {
	if d.DuplicateOf != 0 {
		f |= Duplicate
	}
	if d.ReplayOf != 0 {
		f |= Replay
	}
	if d.Unapplied != "" {
		f |= Unapplied
	}
	if d.Imported {
		f |= Imported
	}
	return f
}

// KindIndex returns the index of a kind in [provider.EventKinds], or that of the unknown kind.
func KindIndex(k provider.EventKind) uint8 {
	if i, ok := kindIndex[k]; ok {
		return i
	}
	return kindIndex[provider.KindUnknown]
}

var kindIndex = func() map[provider.EventKind]uint8 {
	m := make(map[provider.EventKind]uint8)
	for i, k := range provider.EventKinds() {
		m[k] = uint8(i)
	}
	return m
}()
