package app

import "time"

// UndoFor is how long after a deletion it can be undone.
const UndoFor = time.Minute

// UndoRequest asks for the latest deletion to be undone.
type UndoRequest struct{}

// DeletedKind is the kind of a thing that was deleted.
type DeletedKind string

// The kinds.
const (
	DeletedRoom     DeletedKind = "room"
	DeletedBooking  DeletedKind = "booking"
	DeletedCalendar DeletedKind = "calendar"
	DeletedForward  DeletedKind = "forward"
	DeletedCatch    DeletedKind = "catch"
)

// Undone is the thing that came back, as it is now.
type Undone struct {
	Kind DeletedKind `json:"kind"`
	// ID is that of before, empty for calendars, forwards and catches. Name is another one than before if that is in use.
	ID   string `json:"id"`
	Name string `json:"name"`
	// The thing itself; the others are nil.
	Room     *Room     `json:"room,omitempty"`
	Booking  *Booking  `json:"booking,omitempty"`
	Calendar *Calendar `json:"calendar,omitempty"`
	Forward  *Forward  `json:"forward,omitempty"`
	Catch    *Catch    `json:"catch,omitempty"`
	// Notes are things to know: a name or a link that is another one now.
	Notes []string `json:"notes,omitempty"`
}
