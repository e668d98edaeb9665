package app

import "time"

// UndoFor is how long after a deletion it can be undone.
const UndoFor = time.Minute

// UndoRequest asks for the latest deletion to be undone.
type UndoRequest struct{}

// DeletedKind is the kind of a deleted object.
type DeletedKind string

// The kinds.
const (
	DeletedRoom     DeletedKind = "room"
	DeletedBooking  DeletedKind = "booking"
	DeletedCalendar DeletedKind = "calendar"
	DeletedForward  DeletedKind = "forward"
	DeletedCatch    DeletedKind = "catch"
)

// Undone is the restored object, as it is now.
type Undone struct {
	Kind DeletedKind `json:"kind"`
	// ID is unchanged, empty for calendars, forwards and catches. Name is a new one if the old name is in use.
	ID   string `json:"id"`
	Name string `json:"name"`
	// The object; the others are nil.
	Room     *Room     `json:"room,omitempty"`
	Booking  *Booking  `json:"booking,omitempty"`
	Calendar *Calendar `json:"calendar,omitempty"`
	Forward  *Forward  `json:"forward,omitempty"`
	Catch    *Catch    `json:"catch,omitempty"`
	// Notes are remarks: a name or a link that has changed.
	Notes []string `json:"notes,omitempty"`
}
