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
	// Group selects the rooms of a group, whatever the case of its letters.
	Group string `json:"group,omitempty"`
	// People asks for the names of the people in the rooms.
	People bool `json:"people,omitempty"`
}

// RoomView is a room with its current meeting.
type RoomView struct {
	Room
	PageLink
	// Meeting is the live or open one, else the latest, else nil.
	Meeting *Meeting `json:"meeting"`
	// Would explains which account a meeting started now would get.
	Would Choice `json:"would"`
	// Notes are things to know about the room's lasting link.
	Notes []string `json:"notes,omitempty"`
	// Booking is the booking with the next occurrence, nil without one.
	Booking *Booking `json:"booking,omitempty"`
	// People are the names of those who are in the open meeting or wait to be let in, if they were asked for.
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
	// Problem says why it could not be started: "account daily is not configured: set DAILY_API_KEY". Empty when it can.
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
	// ByTime lists all newest first, whatever their state.
	ByTime bool `json:"by_time,omitempty"`
	// Before is the id of a meeting: only older ones, for the next page. It needs ByTime.
	Before string `json:"before,omitempty"`
	Limit  int    `json:"limit,omitempty"`
}

// StartMeeting asks for a meeting of a room.
type StartMeeting struct {
	Room string `json:"room"`
	// For or Until say when it ends; with neither it lasts DefaultLength.
	For   time.Duration `json:"for,omitempty"`
	Until Time          `json:"until"`
	// New makes another one even when one is open or live. That of a lasting room is ended first.
	New bool `json:"new,omitempty"`
	// Consent is stored as given with the meeting.
	Consent bool `json:"consent,omitempty"`
}

// DefaultLength is how long a meeting is booked when no length is given.
const DefaultLength = 8 * time.Hour

// StartedMeeting is the meeting with its host link.
type StartedMeeting struct {
	Meeting
	HostURL string `json:"host_url"`
	Reused  bool   `json:"reused"`
	// Notes are things to know: "Daily has no room logo".
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
	// Prefix selects those whose id begins so.
	Prefix string `json:"prefix,omitempty"`
	// Since leaves out what began earlier.
	Since Time `json:"since"`
	// Limit is 100 when 0.
	Limit int `json:"limit,omitempty"`
	// Refresh asks the platforms for what is new first. What they refuse is no error: the poller "recordings" of that
	// account in Status says why.
	Refresh bool `json:"refresh,omitempty"`
	// Sweep looks through the buckets of the accounts first, which may take a while. What they refuse is no error: the poller
	// "bucket sweep" of that account says why. Where no account has a bucket, the error is of kind [NotConfigured].
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
	// Meeting is a MEETING as users name it.
	Meeting string `json:"meeting,omitempty"`
	Grep    string `json:"grep,omitempty"`
	// Filter is in the language of package filter. Its ages count from the time of the call.
	Filter string `json:"filter,omitempty"`
	Since  Time   `json:"since"`
	// Before and After page by sequence, both exclusive; 0 means no bound. With After alone the page is the oldest ones
	// beyond it, still newest first.
	Before uint64 `json:"before,omitempty"`
	After  uint64 `json:"after,omitempty"`
	// Forward asks for the oldest ones beyond After rather than the newest ones before Before.
	Forward bool `json:"forward,omitempty"`
	// Limit is at most 1000; 0 means 100.
	Limit int `json:"limit,omitempty"`
}

// EventPage is one page of deliveries without headers and bodies, newest first.
type EventPage struct {
	Events []Delivery `json:"events"`
	// More says that older ones (newer ones with After) may match; continue with Before: Next (After: Next).
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
	// Size is the size that the sender announced of a body that was not read; 0 where Body is whole.
	Size int64 `json:"size,omitempty"`
	// ReceivedAt is when the first machine of ours received it. Signatures are judged by it.
	ReceivedAt time.Time `json:"received_at"`
	// Via and Remote are as in [Delivery].
	Via    string `json:"via,omitempty"`
	Remote string `json:"remote,omitempty"`
	// Position is its place in a tunnel's stream; nil for a request that came directly.
	Position *cursor.Position `json:"position,omitempty"`
	// Missing says why the body is not there although the sender's was: it is recorded as one that was refused for its size,
	// and nothing in it is acted upon. Empty for a request that is whole.
	Missing string `json:"missing,omitempty"`
	// Refused is the listener's answer to a request that is for no account. With a Reason the request is kept in the ring of
	// rejected ones, without one its position alone.
	Refused *Answer `json:"refused,omitempty"`
	// Reason is why the request is refused, for the owner.
	Reason string `json:"reason,omitempty"`
}

// MarshalJSON keeps a target and header values that are not valid UTF-8.
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
	// RetryAfter in whole seconds goes with 503.
	RetryAfter int    `json:"retry_after,omitempty"`
	Text       string `json:"text,omitempty"`
	// ContentType is that of Text, which is then sent exactly; empty for a line of plain text.
	ContentType string `json:"content_type,omitempty"`
	Seq         uint64 `json:"seq,omitempty"`
	// Stored says that the request needn't be handed over again: it is durable, or was already, or is of no interest and
	// its position is durable.
	Stored bool `json:"stored,omitempty"`
}

// MaintenanceOp is an operation on the store's file.
type MaintenanceOp string

// The works on the store's file.
const (
	// CompactStore rewrites the file without its free pages. Writes wait meanwhile.
	CompactStore MaintenanceOp = "compact"
	// CheckStore reads everything and lists what is wrong.
	CheckStore MaintenanceOp = "check"
	// BackupStore copies the store into a new file at Path.
	BackupStore MaintenanceOp = "backup"
)

// Maintenance is a work on the store's file.
type Maintenance struct {
	Op MaintenanceOp `json:"op"`
	// Path is where a backup goes: absolute, since the owner of the store writes it.
	Path string `json:"path,omitempty"`
}

// Maintained is the result of a Maintenance.
type Maintained struct {
	Op MaintenanceOp `json:"op"`
	// Before and After are the file's size in bytes; for a backup After is the copy's.
	Before int64  `json:"before"`
	After  int64  `json:"after"`
	Path   string `json:"path,omitempty"`
	// Findings are the faults that a check found; none when all is well.
	Findings []string `json:"findings"`
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

// AccountStatus is one account's health in a word, and what to do.
type AccountStatus struct {
	Name     string            `json:"name"`
	Platform provider.Platform `json:"platform"`
	APIURL   string            `json:"api_url"`
	// Health is "ok", "unchecked", "no webhook secret", "failing".
	Health string `json:"health"`
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`
	// Webhook is the URL that the platform must post to, when it is known.
	Webhook string `json:"webhook,omitempty"`
	// Registration is the webhook's state on the platform, nil while there is no public URL.
	Registration *RegisteredWebhook `json:"registration,omitempty"`
	// LastEventAt is when its last authentic delivery came.
	LastEventAt Time `json:"last_event_at"`
	// Cannot says why what the platform, or Greenroom with it, cannot do is disabled.
	Cannot map[Ability]string `json:"cannot,omitempty"`
	// AfterEnd reports what happens to the people in a lasting room when its meeting is ended, empty while that is unknown.
	AfterEnd AfterEnd `json:"after_end,omitempty"`
	// HostParameter is the name of the parameter that makes a host's link secret, empty when unknown.
	HostParameter string `json:"host_parameter,omitempty"`
}

// ListenerStatus is the local HTTP listener.
type ListenerStatus struct {
	// URL is empty while nothing listens; Problem says why, or why it listens elsewhere than it should.
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
	// RetryAt is when the tunnel is tried again, zero while it works or is being opened.
	RetryAt Time `json:"retry_at,omitzero"`
	// More are the relay's further hooks that lead here.
	More []TunnelAddress `json:"more_hooks,omitempty"`
}

// TunnelAddress is a further public address that leads here.
type TunnelAddress struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	// Hooks are the URLs of the accounts below it.
	Hooks map[string]string `json:"hooks"`
}

// StoreStatus is the file that everything is kept in.
type StoreStatus struct {
	Path       string `json:"path"`
	Bytes      int64  `json:"bytes"`
	FreeBytes  int64  `json:"free_bytes"`
	Deliveries uint64 `json:"deliveries"`
	Schema     int    `json:"schema"`
	// Problem is why nothing can be stored, or what is damaged; empty when all is well.
	Problem string `json:"problem,omitempty"`
	// Owner is the process that holds the store, Since when it took it.
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
	// Behind reports that the platform's list is long and that its older part has not been read yet.
	Behind bool `json:"behind,omitempty"`
}

// CompactionDue reports whether so much of the file is free that rewriting it is worth the time.
func (s StoreStatus) CompactionDue() bool {
	return s.FreeBytes > 64<<20 && s.FreeBytes > s.Bytes/2
}

// ChangeKind says what a Change is about.
type ChangeKind string

// The kinds of change.
const (
	// DeliveryChange carries Delivery, without headers and body.
	DeliveryChange ChangeKind = "delivery"
	// MeetingChange carries Meeting; re-read the detail for its stays.
	MeetingChange ChangeKind = "meeting"
	// RoomChange carries Room; Deleted says that it is gone.
	RoomChange ChangeKind = "room"
	// BookingChange and CalendarChange report that bookings or calendars are worth reading again.
	BookingChange  ChangeKind = "booking"
	CalendarChange ChangeKind = "calendar"
	// RecordingChange carries Recording. While one is downloaded they come a few times a second. Deleted says that it
	// turned out to be another one, which names it among its aliases.
	RecordingChange ChangeKind = "recording"
	// StatusChange says that Status is worth reading again.
	StatusChange ChangeKind = "status"
	// ActivityChange carries Activity.
	ActivityChange ChangeKind = "activity"
	// AttemptChange carries Attempt: a forward has sent an event, or failed to.
	AttemptChange ChangeKind = "attempt"
	// ProbeChange carries Probe: the process with an open tunnel must probe it and report the outcome under this id.
	ProbeChange ChangeKind = "probe"
	// CallChange carries Call: the user is called.
	CallChange ChangeKind = "call"
	// Missed says that changes were dropped: read everything again.
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

// MeetingExtended is the kind of an [Activity] about a meeting whose end was moved on the platform, since people are in it.
const MeetingExtended provider.EventKind = "meeting.extended"

// LinkChanged is the kind of an [Activity] about a lasting room whose guest link is another one from now on.
const LinkChanged provider.EventKind = "room.link_changed"

// Activity is one line about people in meetings, whatever its source.
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
