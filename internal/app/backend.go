package app

import (
	"encoding/json"
	"time"

	"greenroom/internal/cursor"
	"greenroom/provider"
)

// RoomRef names a room by its id or its name.
type RoomRef struct {
	Ref string `json:"ref"`
}

// RoomQuery selects rooms. The zero value selects all.
type RoomQuery struct {
	// Group selects the rooms of a group, regardless of case.
	Group string `json:"group,omitempty"`
	// People asks for the names of the people in the rooms.
	People bool `json:"people,omitempty"`
}

// RoomView is a room with its current meeting.
type RoomView struct {
	Room
	PageLink
	// Meeting is the live or open meeting, else the latest, else nil.
	Meeting *Meeting `json:"meeting"`
	// Would is the account that a meeting started now would get.
	Would Choice `json:"would"`
	// Notes are remarks about the room's lasting link.
	Notes []string `json:"notes,omitempty"`
	// Booking is the booking with the next occurrence, nil without one.
	Booking *Booking `json:"booking,omitempty"`
	// People are the names of those who are in the open meeting or wait to be let in, if they were requested.
	People []string `json:"people,omitempty"`
}

// CurrentAccount returns the account of the room's open meeting, else the account or the platform of its next one.
func (v RoomView) CurrentAccount() string {
	switch {
	case v.Meeting != nil && v.Meeting.Status != Ended:
		return v.Meeting.Account
	case v.Account != "":
		return v.Account
	case v.Would.Account != "":
		return v.Would.Account
	}
	return string(v.Would.Platform)
}

// Choice is which account a meeting gets, and why.
type Choice struct {
	Account  string            `json:"account"`
	Platform provider.Platform `json:"platform"`
	Why      string            `json:"why"`
	// Problem is why no meeting can be started: "account daily is not configured: set DAILY_API_KEY". Empty if one can.
	Problem string `json:"problem,omitempty"`
}

// MeetingRef names a meeting by its id, its platform room, or its room's name: the live one, else the latest.
type MeetingRef struct {
	Ref string `json:"ref"`
}

// MeetingQuery selects meetings: live ones, then open ones, then ended ones, each newest first. The zero value selects all,
// up to the default limit of 100.
type MeetingQuery struct {
	Room    string        `json:"room,omitempty"`
	Account string        `json:"account,omitempty"`
	Status  MeetingStatus `json:"status,omitempty"`
	// Unended selects open and live ones.
	Unended bool `json:"unended,omitempty"`
	// Filter is a text of internal/filter: words, also of people, and terms such as is:live, room:board, date:2026-11-28.
	Filter string `json:"filter,omitempty"`
	// TimeZone is the reader's, for dates in the filter: an IANA name. Empty is UTC.
	TimeZone string `json:"time_zone,omitempty"`
	// ByTime lists all newest first, regardless of their state.
	ByTime bool `json:"by_time,omitempty"`
	// Before is the id of a meeting: only older ones, for the next page. It needs ByTime.
	Before string `json:"before,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// StartMeeting asks for a meeting of a room.
type StartMeeting struct {
	Room string `json:"room"`
	// For or Until is when it ends; with neither it lasts DefaultLength.
	For   time.Duration `json:"for,omitempty"`
	Until Time          `json:"until"`
	// New starts another meeting even if one is open or live. That of a lasting room is ended first.
	New bool `json:"new,omitempty"`
	// Consent is stored with the meeting as given.
	Consent bool `json:"consent,omitempty"`
}

// DefaultLength is the length of a meeting without a given one.
const DefaultLength = 8 * time.Hour

// StartedMeeting is the meeting with its host link.
type StartedMeeting struct {
	Meeting
	HostURL string `json:"host_url"`
	Reused  bool   `json:"reused"`
	// Notes are remarks: "Daily has no room logo".
	Notes []string `json:"notes,omitempty"`
}

// LinkRequest asks for a meeting's links.
type LinkRequest struct {
	Meeting string `json:"meeting"`
	Host    bool   `json:"host,omitempty"`
}

// Link is a URL to open.
type Link struct {
	Meeting string `json:"meeting"`
	URL     string `json:"url"`
	Host    bool   `json:"host"`
}

// RecordingQuery selects recordings, newest first.
type RecordingQuery struct {
	Meeting string          `json:"meeting,omitempty"`
	Status  RecordingStatus `json:"status,omitempty"`
	// Prefix selects by the beginning of the id.
	Prefix string `json:"prefix,omitempty"`
	// Since excludes recordings that began earlier.
	Since Time `json:"since"`
	// Limit is 100 when 0.
	Limit int `json:"limit,omitempty"`
	// Refresh asks the platforms for new recordings first. Their refusals are no errors: the poller "recordings" of the account in
	// Status shows them.
	Refresh bool `json:"refresh,omitempty"`
	// Sweep lists the buckets of the accounts first, which may take a while. Their refusals are no errors: the poller "bucket sweep"
	// of the account shows them. If no account has a bucket, the error is of kind [NotConfigured].
	Sweep bool `json:"sweep,omitempty"`
}

// CountQuery asks for the length of lists. Queries that are nil are not counted.
type CountQuery struct {
	Meetings   *MeetingQuery   `json:"meetings,omitempty"`
	Recordings *RecordingQuery `json:"recordings,omitempty"`
	// Events must have no Grep, Filter, Before and After.
	Events *EventQuery `json:"events,omitempty"`
}

// Counts are the lengths of lists.
type Counts struct {
	Meetings   int `json:"meetings"`
	Recordings int `json:"recordings"`
	Events     int `json:"events"`
}

// EventQuery selects deliveries, newest first.
type EventQuery struct {
	Account string               `json:"account,omitempty"`
	Kinds   []provider.EventKind `json:"kinds,omitempty"`
	Verdict provider.Verdict     `json:"verdict,omitempty"`
	// Meeting names a meeting, as [MeetingRef].
	Meeting string `json:"meeting,omitempty"`
	Grep    string `json:"grep,omitempty"`
	// Filter is in the language of package filter. Its ages count from the time of the call.
	Filter string `json:"filter,omitempty"`
	Since  Time   `json:"since"`
	// Before and After are exclusive bounds of the sequence numbers, 0 for none. With After alone the page has the oldest ones
	// after it, still newest first.
	Before uint64 `json:"before,omitempty"`
	After  uint64 `json:"after,omitempty"`
	// Forward selects the oldest ones after After rather than the newest ones before Before.
	Forward bool `json:"forward,omitempty"`
	// Limit is at most 1000; 0 means 100.
	Limit int `json:"limit,omitempty"`
}

// EventPage is one page of deliveries without headers and bodies, newest first.
type EventPage struct {
	Events []Delivery `json:"events"`
	// More reports that older ones (newer ones with After) may match; continue with Before: Next (After: Next).
	More bool   `json:"more"`
	Next uint64 `json:"next"`
}

// EventRef names a delivery.
type EventRef struct {
	Seq uint64 `json:"seq"`
}

// Inbound is one request as a listener received it.
type Inbound struct {
	Account string              `json:"account"`
	Method  string              `json:"method"`
	Target  string              `json:"target"`
	Header  map[string][]string `json:"header"`
	Body    []byte              `json:"body"`
	// Size is the announced size of a body that was not read; 0 if Body is complete.
	Size int64 `json:"size,omitempty"`
	// ReceivedAt is when our first machine received it. Signatures are verified as of this time.
	ReceivedAt time.Time `json:"received_at"`
	// Via and Remote are as in [Delivery].
	Via    string `json:"via,omitempty"`
	Remote string `json:"remote,omitempty"`
	// Position is its position in a tunnel's stream; nil for a direct request.
	Position *cursor.Position `json:"position,omitempty"`
	// Missing is why the body was lost on the way: the request is recorded as refused for its size and has no effect. Empty for a
	// complete request.
	Missing string `json:"missing,omitempty"`
	// Refused is the listener's answer to a request for no account. With a Reason the request is kept in the ring of rejected
	// ones, otherwise only its position is.
	Refused *Answer `json:"refused,omitempty"`
	// Reason is why the request is refused, for the owner.
	Reason string `json:"reason,omitempty"`
}

// MarshalJSON preserves a target and header values that are not valid UTF-8.
func (in Inbound) MarshalJSON() ([]byte, error) {
	type plain Inbound
	return json.Marshal(struct {
		plain
		Target []byte              `json:"target_base64,omitempty"`
		Header map[string][][]byte `json:"header_base64,omitempty"`
	}{plain(in), exactText(in.Target), exactHeader(in.Header)})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (in *Inbound) UnmarshalJSON(b []byte) error {
	type plain Inbound
	full := struct {
		*plain
		Target []byte              `json:"target_base64"`
		Header map[string][][]byte `json:"header_base64"`
	}{plain: (*plain)(in)}
	if err := json.Unmarshal(b, &full); err != nil {
		return err
	}
	if full.Target != nil {
		in.Target = string(full.Target)
	}
	if in.Header != nil {
		restoreHeader(in.Header, full.Header)
	}
	return nil
}

// Answer is the HTTP answer to an Inbound.
type Answer struct {
	Status int `json:"status"`
	// RetryAfter is in seconds, for status 503.
	RetryAfter int    `json:"retry_after,omitempty"`
	Text       string `json:"text,omitempty"`
	// ContentType is the type of Text, which is then sent unchanged; empty for a line of plain text.
	ContentType string `json:"content_type,omitempty"`
	Seq         uint64 `json:"seq,omitempty"`
	// Stored reports that the request needn't be sent again: it is durable, now or from before, or it is dropped and its position
	// is durable.
	Stored bool `json:"stored,omitempty"`
}

// MaintenanceOp is an operation on the store's file.
type MaintenanceOp string

// The operations on the store's file.
const (
	// CompactStore rewrites the file without its free pages. Writes wait meanwhile.
	CompactStore MaintenanceOp = "compact"
	// CheckStore reads everything and lists the faults.
	CheckStore MaintenanceOp = "check"
	// BackupStore copies the store into a new file at Path.
	BackupStore MaintenanceOp = "backup"
)

// Maintenance asks for an operation on the store's file.
type Maintenance struct {
	Op MaintenanceOp `json:"op"`
	// Path is the file of a backup: absolute, since the owner of the store writes it.
	Path string `json:"path,omitempty"`
}

// Maintained is the result of a Maintenance.
type Maintained struct {
	Op MaintenanceOp `json:"op"`
	// Before and After are the file's size in bytes; for a backup After is the copy's.
	Before int64  `json:"before"`
	After  int64  `json:"after"`
	Path   string `json:"path,omitempty"`
	// Findings are the faults that a check found.
	Findings []string `json:"findings"`
	// Notes are findings of a check that only make searches slower.
	Notes []string `json:"notes"`
}

// StatusQuery asks for the status.
type StatusQuery struct{}

// Status holds the contents of the Status tab and doctor.
type Status struct {
	Version  string          `json:"version"`
	Accounts []AccountStatus `json:"accounts"`
	Listener ListenerStatus  `json:"listener"`
	Tunnel   TunnelStatus    `json:"tunnel"`
	Store    StoreStatus     `json:"store"`
	Pollers  []PollerStatus  `json:"pollers"`
	// Downloads summarises all downloads.
	Downloads DownloadsStatus `json:"downloads"`
}

// AccountStatus is the state of one account.
type AccountStatus struct {
	Name     string            `json:"name"`
	Platform provider.Platform `json:"platform"`
	APIURL   string            `json:"api_url"`
	// Health is "ok", "unchecked", "no webhook secret", "failing".
	Health string `json:"health"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Webhook is the URL to which the platform must post, if it is known.
	Webhook string `json:"webhook,omitempty"`
	// Registration is the webhook's state on the platform, nil while there is no public URL.
	Registration *RegisteredWebhook `json:"registration,omitempty"`
	// LastEventAt is when its last authentic delivery came.
	LastEventAt Time `json:"last_event_at"`
	// Cannot holds the reason for each missing ability of the platform, or of Greenroom with it.
	Cannot map[provider.Ability]string `json:"cannot,omitempty"`
	// AfterEnd is the fate of the people in a lasting room when its meeting is ended, empty if unknown.
	AfterEnd AfterEnd `json:"after_end,omitempty"`
	// HostParameter is the name of the URL parameter that holds the secret of a host link, empty if unknown.
	HostParameter string `json:"host_parameter,omitempty"`
}

// ListenerStatus is the local HTTP listener.
type ListenerStatus struct {
	// URL is empty while nothing listens; Problem is why, or why it listens at another address than configured.
	URL     string `json:"url"`
	Problem string `json:"problem,omitempty"`
	// Accepted, Rejected and Busy count answers of 2xx, 4xx and 503 since the start.
	Accepted uint64 `json:"accepted"`
	Rejected uint64 `json:"rejected"`
	Busy     uint64 `json:"busy"`
}

// TunnelStatus is how the listener is reached from outside.
type TunnelStatus struct {
	Driver string `json:"driver"`
	// State is connecting, live, degraded or closed.
	State           string            `json:"state"`
	URL             string            `json:"url"`
	Hooks           map[string]string `json:"hooks"`
	RTTMs           float64           `json:"rtt_ms"`
	Spool           int               `json:"spool"`
	Gap             string            `json:"gap"`
	StoreAndForward bool              `json:"store_and_forward"`
	Reason          string            `json:"reason"`
	// RetryAt is the time of the next attempt, zero while the tunnel works or is being opened.
	RetryAt Time `json:"retry_at,omitzero"`
	// More are the relay's other hooks that lead here.
	More []TunnelAddress `json:"more_hooks,omitempty"`
}

// TunnelAddress is another public address that leads here.
type TunnelAddress struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Hooks are the URLs of the accounts below it.
	Hooks map[string]string `json:"hooks"`
}

// StoreStatus is the state of the store's file.
type StoreStatus struct {
	Path       string `json:"path"`
	Bytes      int64  `json:"bytes"`
	FreeBytes  int64  `json:"free_bytes"`
	Deliveries uint64 `json:"deliveries"`
	Schema     int    `json:"schema"`
	// Problem is why nothing can be stored, or what is damaged; empty if all is well.
	Problem string `json:"problem,omitempty"`
	// Owner is the id of the process that holds the store, since Since.
	Owner int  `json:"owner"`
	Since Time `json:"since"`
}

// PollerStatus is one background reader of a platform.
type PollerStatus struct {
	Name    string `json:"name"`
	Account string `json:"account"`
	LastAt  Time   `json:"last_at"`
	// Error of the last reading, empty when it succeeded.
	Error string `json:"error,omitempty"`
	// Behind reports that the older part of the platform's list has not been read yet.
	Behind bool `json:"behind,omitempty"`
}

// CompactionDue reports whether enough of the file is free to make rewriting it worthwhile.
func (s StoreStatus) CompactionDue() bool {
	return s.FreeBytes > 64<<20 && s.FreeBytes > s.Bytes/2
}

// ChangeKind is the subject of a Change.
type ChangeKind string

// The kinds of change.
const (
	// DeliveryChange carries Delivery, without headers and body.
	DeliveryChange ChangeKind = "delivery"
	// MeetingChange carries Meeting; re-read the detail for its stays.
	MeetingChange ChangeKind = "meeting"
	// RoomChange carries Room, Deleted if it is gone.
	RoomChange ChangeKind = "room"
	// BookingChange and CalendarChange mean that bookings or calendars should be read again.
	BookingChange  ChangeKind = "booking"
	CalendarChange ChangeKind = "calendar"
	// RecordingChange carries Recording, a few times a second while it is downloaded. Deleted means that it turned out to be
	// another one, which has its id as an alias.
	RecordingChange ChangeKind = "recording"
	// StatusChange means that Status should be read again.
	StatusChange ChangeKind = "status"
	// ActivityChange carries Activity.
	ActivityChange ChangeKind = "activity"
	// AttemptChange carries Attempt: a forward has sent an event, or failed to.
	AttemptChange ChangeKind = "attempt"
	// ProbeChange carries Probe: the process with an open tunnel must probe it and report the outcome under this id.
	ProbeChange ChangeKind = "probe"
	// CallChange carries Call: the user is notified.
	CallChange ChangeKind = "call"
	// Missed means that changes were dropped: read everything again.
	Missed ChangeKind = "missed"
)

// Change is one thing that happened, published after it is durable.
type Change struct {
	Kind      ChangeKind `json:"kind"`
	Delivery  *Delivery  `json:"delivery,omitempty"`
	Meeting   *Meeting   `json:"meeting,omitempty"`
	Room      *Room      `json:"room,omitempty"`
	Recording *Recording `json:"recording,omitempty"`
	Activity  *Activity  `json:"activity,omitempty"`
	Attempt   *Attempt   `json:"attempt,omitempty"`
	Call      *Call      `json:"call,omitempty"`
	Deleted   bool       `json:"deleted,omitempty"`
	Probe     uint64     `json:"probe,omitempty"`
}

// ChangesAtOnce is the buffer of a subscription's channel: without one, every change would switch between two goroutines.
const ChangesAtOnce = 64

// MeetingExtended is the kind of an [Activity] about a meeting whose end was moved because people are in it.
const MeetingExtended provider.EventKind = "meeting.extended"

// LinkChanged is the kind of an [Activity] about a lasting room whose guest link has changed.
const LinkChanged provider.EventKind = "room.link_changed"

// Activity is one line about the people in meetings, from any source.
type Activity struct {
	At      Time               `json:"at"`
	Account string             `json:"account"`
	Meeting string             `json:"meeting"`
	Room    string             `json:"room"`
	Kind    provider.EventKind `json:"kind"`
	Who     string             `json:"who,omitempty"`
	Detail  string             `json:"detail,omitempty"`
	// Until is the new end of a meeting that was extended.
	Until  Time   `json:"until,omitzero"`
	Source Source `json:"source"`
}
