package filter

import "strings"

// Field is a field that terms can name.
type Field int

// The fields. Session is not written: a participant is named by either.
const (
	Account Field = iota
	Kind
	Type
	Verdict
	Status
	Room
	Meeting
	Participant
	Method
	Target
	Size
	Seq
	Via
	Remote
	Header
	Body
	Is
	Since
	Until
	Session
	Date
	Group
)

// fields are in the order of the manual.
var fields = []struct {
	Field
	name string
	of   func(Subject) bool
}{
	{Account, "account", both}, {Kind, "kind", events}, {Type, "type", events}, {Verdict, "verdict", events},
	{Status, "status", both}, {Room, "room", both}, {Meeting, "meeting", both}, {Participant, "participant", both},
	{Method, "method", events}, {Target, "target", events}, {Size, "size", events}, {Seq, "seq", events}, {Via, "via", events},
	{Remote, "remote", events}, {Is, "is", both}, {Since, "since", both}, {Until, "until", both}, {Header, "header", events},
	{Body, "body", events}, {Participant, "person", rooms}, {Group, "group", rooms}, {Date, "date", rooms},
}

func both(Subject) bool     { return true }
func events(s Subject) bool { return s == Events }
func rooms(s Subject) bool  { return s == Rooms }

// fieldNamed returns the field of a name, in any case.
func fieldNamed(name string) (f Field, of func(Subject) bool, ok bool) {
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			return f.Field, f.of, true
		}
	}
	return 0, nil, false
}
