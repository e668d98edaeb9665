package app

import "time"

// DefaultBooking is the length of a booking without a given one.
const DefaultBooking = time.Hour

// DefaultLead is how long before its start a booking's meeting is created.
const DefaultLead = 10 * time.Minute

// Person is someone who is expected in a meeting.
type Person struct {
	Name string `json:"name"`
	Mail string `json:"mail"`
}

// Booking is a planned meeting of a room: when, how long, how often.
type Booking struct {
	ID     string `json:"id"`
	Room   string `json:"room"`
	RoomID string `json:"room_id"`
	// StartsAt and EndsAt are the times of the first occurrence.
	StartsAt Time `json:"starts_at"`
	EndsAt   Time `json:"ends_at"`
	// TimeZone is the zone in which every occurrence begins at the same time of day: an IANA name.
	TimeZone string `json:"time_zone"`
	// LocalStart is the local start in that zone: 2026-12-01T10:00:00.
	LocalStart string `json:"local_start"`
	// Rule is an RRULE, empty for one occurrence. Until is the latest start of an occurrence, null for none.
	Rule  string `json:"rule"`
	Until Time   `json:"until"`
	// Next is the start of the current occurrence, else of the next one, null if all are over.
	Next Time `json:"next"`
	// Link is the guest link of that occurrence, empty until there is one; Meeting is its meeting's id.
	Link    string `json:"link"`
	Meeting string `json:"meeting"`
	// Expect are the people who are expected.
	Expect []Person `json:"expect"`
	// Error is why the meeting that is due could not be created, empty if all is well.
	Error string `json:"error,omitempty"`
	// Notes are remarks: "months without a 31st are skipped".
	Notes     []string `json:"notes,omitempty"`
	CreatedAt Time     `json:"created_at"`
	ChangedAt Time     `json:"changed_at"`
	// Revision counts the changes.
	Revision int `json:"revision"`
}

// BookingQuery selects bookings, by their next occurrence. The zero value selects all.
type BookingQuery struct {
	Room string `json:"room,omitempty"`
}

// BookingRef names a booking by its id, or the beginning of it.
type BookingRef struct {
	Ref string `json:"ref"`
	// Room is the room that the booking must belong to, empty for any.
	Room string `json:"room,omitempty"`
}

// BookingSpec is a booking to create.
type BookingSpec struct {
	Room string `json:"room"`
	// At is the local time in TimeZone: 2026-12-01T10:00:00.
	At       string `json:"at"`
	TimeZone string `json:"time_zone"`
	// For is the length, [DefaultBooking] if 0.
	For time.Duration `json:"for,omitempty"`
	// Every is day, weekday, week, month or an RRULE, empty for one occurrence. Until is empty, or the last day (2026-12-31).
	Every  string   `json:"every,omitempty"`
	Until  string   `json:"until,omitempty"`
	Expect []Person `json:"expect,omitempty"`
}

// BookingPatch changes a booking. nil fields stay.
type BookingPatch struct {
	BookingRef
	At       *string        `json:"at,omitempty"`
	TimeZone *string        `json:"time_zone,omitempty"`
	For      *time.Duration `json:"for,omitempty"`
	Every    *string        `json:"every,omitempty"`
	Until    *string        `json:"until,omitempty"`
	Expect   *[]Person      `json:"expect,omitempty"`
}

// PlanSource is where an upcoming item comes from.
type PlanSource string

// The sources.
const (
	FromBooking  PlanSource = "booking"
	FromCalendar PlanSource = "calendar"
	FromMeeting  PlanSource = "meeting"
)

// UpcomingQuery asks what takes place from now on.
type UpcomingQuery struct {
	// Days is how far ahead, 7 if 0, at most 366.
	Days int `json:"days,omitempty"`
	// TimeZone is the reader's, for whole days and times without a zone. Empty is UTC.
	TimeZone string `json:"time_zone,omitempty"`
	// Offline reads no calendars.
	Offline bool `json:"offline,omitempty"`
}

// Upcoming lists the next meetings and events, in order.
type Upcoming struct {
	Items []UpcomingItem `json:"items"`
	// Notes are remarks: a calendar that could not be read, a list that was cut.
	Notes []string `json:"notes,omitempty"`
}

// UpcomingItem is an occurrence of a booking with its meeting, an event of a calendar, or a meeting without a booking.
type UpcomingItem struct {
	At Time `json:"at"`
	// EndsAt is null for a meeting without an end.
	EndsAt Time       `json:"ends_at"`
	Title  string     `json:"title"`
	Source PlanSource `json:"source"`
	// Room, Meeting, Booking and Calendar are what it belongs to, empty for none.
	Room     string `json:"room"`
	Meeting  string `json:"meeting"`
	Booking  string `json:"booking"`
	Calendar string `json:"calendar"`
	// URL is the link of the guests or the conference, empty while there is none.
	URL string `json:"url"`
	// Conflicts are the titles of the items at the same time.
	Conflicts []string `json:"conflicts"`
	AllDay    bool     `json:"all_day,omitempty"`
	// Status and Here are the meeting's.
	Status MeetingStatus `json:"status,omitempty"`
	Here   int           `json:"here,omitempty"`
}

// Calendar is a subscribed calendar. It is only read.
type Calendar struct {
	Name string `json:"name"`
	// URL is its address, or the path of its file. The address of a private calendar is a key to it.
	URL    string `json:"url"`
	Events int    `json:"events"`
	// LastRead is when it was last read, Error why the latest attempt failed; then the earlier events stay.
	LastRead Time   `json:"last_read"`
	Error    string `json:"error"`
	// Notes are sentences about what could not be parsed.
	Notes []string `json:"notes,omitempty"`
}

// CalendarQuery selects calendars. The zero value selects all.
type CalendarQuery struct{}

// CalendarRef names a calendar.
type CalendarRef struct {
	Name string `json:"name"`
}

// CalendarSpec is a calendar to subscribe to.
type CalendarSpec struct {
	Name string `json:"name"`
	// URL is an https or webcal address, or the absolute path of a file.
	URL string `json:"url"`
}

// CalendarExport asks for bookings as a calendar.
type CalendarExport struct {
	// Room selects the bookings of one room, empty for all.
	Room string `json:"room,omitempty"`
}

// ExportedCalendar is a calendar for other programs.
type ExportedCalendar struct {
	ICS      string `json:"ics"`
	Bookings int    `json:"bookings"`
}
