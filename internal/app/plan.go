package app

import "time"

// DefaultBooking is how long a booking lasts without a given length.
const DefaultBooking = time.Hour

// DefaultLead is how long before its start a booking's meeting is made.
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
	// StartsAt and EndsAt are those of the first occurrence.
	StartsAt Time `json:"starts_at"`
	EndsAt   Time `json:"ends_at"`
	// TimeZone is the zone in which every occurrence begins at the same time of day: an IANA name.
	TimeZone string `json:"time_zone"`
	// LocalStart is the start on a clock there: 2026-12-01T10:00:00.
	LocalStart string `json:"local_start"`
	// Rule is an RRULE, empty for one occurrence. Until is the last moment at which one may begin, null for none.
	Rule  string `json:"rule"`
	Until Time   `json:"until"`
	// Next is the start of the occurrence that runs now, else of the next one, null when all are over.
	Next Time `json:"next"`
	// Link is the guest link for that occurrence, empty until there is one; Meeting is its meeting.
	Link    string `json:"link"`
	Meeting string `json:"meeting"`
	// Expect are the people who are expected.
	Expect []Person `json:"expect"`
	// Error is why the meeting that is due could not be made, empty when all is well.
	Error string `json:"error,omitempty"`
	// Notes are things to know: "months without a 31st are skipped".
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
	// Room is empty, or the room that the booking must be of.
	Room string `json:"room,omitempty"`
}

// BookingSpec is a booking to make.
type BookingSpec struct {
	Room string `json:"room"`
	// At is the local time in TimeZone: 2026-12-01T10:00:00.
	At       string `json:"at"`
	TimeZone string `json:"time_zone"`
	// For is the length, [DefaultBooking] when 0.
	For time.Duration `json:"for,omitempty"`
	// Every is day, weekday, week, month or an RRULE, empty for one occurrence. Until is empty, or the last day (2026-12-31).
	Every  string   `json:"every,omitempty"`
	Until  string   `json:"until,omitempty"`
	Expect []Person `json:"expect,omitempty"`
}

// BookingPatch changes what is set of a booking.
type BookingPatch struct {
	BookingRef
	At       *string        `json:"at,omitempty"`
	TimeZone *string        `json:"time_zone,omitempty"`
	For      *time.Duration `json:"for,omitempty"`
	Every    *string        `json:"every,omitempty"`
	Until    *string        `json:"until,omitempty"`
	Expect   *[]Person      `json:"expect,omitempty"`
}

// PlanSource is where something that is coming up is known from.
type PlanSource string

// The sources.
const (
	FromBooking  PlanSource = "booking"
	FromCalendar PlanSource = "calendar"
	FromMeeting  PlanSource = "meeting"
)

// UpcomingQuery asks what takes place from now on.
type UpcomingQuery struct {
	// Days is how far ahead, 7 when 0, at most 366.
	Days int `json:"days,omitempty"`
	// TimeZone is the reader's: whole days and times without a zone are there. Empty is UTC.
	TimeZone string `json:"time_zone,omitempty"`
	// Offline reads no calendar again.
	Offline bool `json:"offline,omitempty"`
}

// Upcoming is a meeting that is scheduled.
type Upcoming struct {
	Items []UpcomingItem `json:"items"`
	// Notes are things to know: a calendar that could not be read, a list that was cut.
	Notes []string `json:"notes,omitempty"`
}

// UpcomingItem is one thing that takes place: an occurrence of a booking with its meeting, an event of a calendar, or a meeting
// that no booking is for.
type UpcomingItem struct {
	At Time `json:"at"`
	// EndsAt is null for a meeting without an end.
	EndsAt Time       `json:"ends_at"`
	Title  string     `json:"title"`
	Source PlanSource `json:"source"`
	// Room, Meeting, Booking and Calendar name what it belongs to, empty where it doesn't.
	Room     string `json:"room"`
	Meeting  string `json:"meeting"`
	Booking  string `json:"booking"`
	Calendar string `json:"calendar"`
	// URL is the guest link or the conference's, empty while there is none.
	URL string `json:"url"`
	// Conflicts are the titles of what takes place at the same time.
	Conflicts []string `json:"conflicts"`
	AllDay    bool     `json:"all_day,omitempty"`
	// Status and Here are the meeting's.
	Status MeetingStatus `json:"status,omitempty"`
	Here   int           `json:"here,omitempty"`
}

// Calendar is a calendar of others that is read, and never written to.
type Calendar struct {
	Name string `json:"name"`
	// URL is its address, or the path of its file. The address of a private calendar is a key to it.
	URL    string `json:"url"`
	Events int    `json:"events"`
	// LastRead is when it was read last, Error why the latest try failed; what was read before stays.
	LastRead Time   `json:"last_read"`
	Error    string `json:"error"`
	// Notes are sentences about what could not be understood.
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
	// Room selects those of one room, empty for all.
	Room string `json:"room,omitempty"`
}

// ExportedCalendar is a calendar as others read it.
type ExportedCalendar struct {
	ICS      string `json:"ics"`
	Bookings int    `json:"bookings"`
}
