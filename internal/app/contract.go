package app

import "context"

//go:generate go run ../ipc/gen

// Backend is the interface of screens and commands. internal/hub implements it in-process, internal/ipc over a local socket.
// Consumers ask for the parts that they need.
//
// Each method but Subscribe has one plain value as its argument and one as its result, so that the calls over the socket can be
// generated from this file (go generate ./internal/app). The line above each method states whether a call is repeated if the owner
// of the store exited and may have carried it out already: "repeat", "once", or "repeat" with a condition on the request r.
//
// Errors that users can act on are [*Error]s of a kind. Besides the kinds that are named with a method, any method can fail with the
// context's error, and with [provider.Unavailable] while the store or its owner can't be reached. Methods that change something fail
// with [Busy] if too many writes wait. Methods that call a platform return the kind of its refusal. All methods are safe for
// concurrent use.
type Backend interface {
	Overview
	Rooms
	Meetings
	Pages
	Plans
	Recordings
	Downloads
	Events
	Forwards
	Catches
	Intake
	Tunnels
	Trash

	// Subscribe streams changes until ctx ends, when the channel is closed. A reader that is too slow gets a [Missed] change instead
	// of those it missed, and must read everything again; it doesn't slow others.
	Subscribe(ctx context.Context) (<-chan Change, error)
}

// Overview is the state of Greenroom and of the platforms.
type Overview interface {
	// Status returns what the Status tab and doctor show. It asks no platform.
	//greenroom:repeat
	Status(ctx context.Context, q StatusQuery) (Status, error)
	// Counts counts what the queries select, without their limits, so that a shortened list can show the total.
	//greenroom:repeat
	Counts(ctx context.Context, q CountQuery) (Counts, error)
	// Diagnose checks the accounts on their platforms. A platform's refusal is part of the answer, not an error.
	//greenroom:repeat
	Diagnose(ctx context.Context, q DiagnosisQuery) ([]Diagnosis, error)
	// Maintain compacts, checks or backs up the store's file while it is in use. Errors: [provider.Invalid] for an unknown
	// operation or a path that can't be used, [provider.Conflict] for a backup over an existing file.
	//greenroom:once
	Maintain(ctx context.Context, m Maintenance) (Maintained, error)
}

// Trash restores recent deletions.
type Trash interface {
	// Undo restores the latest room, booking, calendar, forward or catch that was deleted here in the last minute: a room with its id,
	// meetings and bookings, a forward at its position, a catch with its address and events. It isn't repeated: a second call would
	// restore an earlier one. Errors: [provider.NotFound] if there is none, [provider.Conflict] for the booking of a deleted room.
	//greenroom:once
	Undo(ctx context.Context, u UndoRequest) (Undone, error)
}

// Rooms are the templates of meetings, and the rooms on the platforms.
type Rooms interface {
	// Rooms lists the rooms.
	//greenroom:repeat
	Rooms(ctx context.Context, q RoomQuery) ([]RoomView, error)
	// Room finds a room. Errors: [provider.NotFound].
	//greenroom:repeat
	Room(ctx context.Context, ref RoomRef) (RoomView, error)
	// CreateRoom creates a room. Errors: [provider.Invalid], [provider.Conflict] for a name that exists.
	//greenroom:once
	CreateRoom(ctx context.Context, r RoomSpec) (Room, error)
	// EditRoom changes a room. Errors: [provider.NotFound], [provider.Invalid], [provider.Conflict] for a name that exists.
	//greenroom:once
	EditRoom(ctx context.Context, p RoomPatch) (Room, error)
	// DeleteRoom deletes a room; its meetings stay. Errors: [provider.NotFound], [provider.Conflict] while a meeting is open.
	//greenroom:once
	DeleteRoom(ctx context.Context, ref RoomRef) (Room, error)
	// PlatformRooms lists the rooms on the platforms, by account, newest first.
	//greenroom:repeat
	PlatformRooms(ctx context.Context, q PlatformRoomQuery) ([]PlatformRoom, error)
	// AdoptRoom adopts a room that exists on a platform. A known one is returned, under the new name if there is one. Errors: [provider.NotFound], [provider.Invalid], [provider.Conflict], [provider.Unsupported].
	//greenroom:once
	AdoptRoom(ctx context.Context, a Adoption) (RoomView, error)
}

// Meetings are the occurrences of rooms, with their people.
type Meetings interface {
	// Meetings lists meetings. Errors: [provider.NotFound] for a room, [provider.Invalid] for a filter or a time zone.
	//greenroom:repeat
	Meetings(ctx context.Context, q MeetingQuery) ([]Meeting, error)
	// Meeting finds a meeting with its stays. Errors: [provider.NotFound], [provider.Invalid] if the name matches several.
	//greenroom:repeat
	Meeting(ctx context.Context, ref MeetingRef) (MeetingDetail, error)
	// StartMeeting starts a meeting of a room, or returns the open one. Errors: [provider.NotFound], [provider.Invalid] for an
	// impossible end, [NotConfigured] without an account.
	//greenroom:once
	StartMeeting(ctx context.Context, r StartMeeting) (StartedMeeting, error)
	// EndMeeting ends a meeting; one that has ended is no error. It isn't repeated: the same name may mean another meeting by
	// then. Errors: [provider.NotFound], [provider.Invalid] if the name matches several, [provider.Conflict].
	//greenroom:once
	EndMeeting(ctx context.Context, ref MeetingRef) (Meeting, error)
	// MeetingLink returns the guest link, or fetches a host link. Errors: [provider.NotFound], [provider.Unsupported].
	//greenroom:repeat
	MeetingLink(ctx context.Context, r LinkRequest) (Link, error)
	// Eject removes a participant from a meeting; one who has left is no error. Errors: [provider.NotFound],
	// [provider.Invalid] if the name matches several, [provider.Unsupported].
	//greenroom:once
	Eject(ctx context.Context, e Ejection) (MeetingDetail, error)
	// Mute mutes or unmutes a participant's tracks; unchanged ones are no error. Errors: [provider.NotFound], [provider.Invalid],
	// [provider.Unsupported], [provider.Forbidden] if others can't unmute.
	//greenroom:repeat
	Mute(ctx context.Context, m Muting) (Muted, error)
	// Consent stores the user's answer to being recorded in a meeting. Errors: [provider.NotFound].
	//greenroom:once
	Consent(ctx context.Context, c ConsentAnswer) (Meeting, error)
}

// Pages are the rooms' own web pages, where guests join.
type Pages interface {
	// EditPage replaces, disables or enables the address of a room's page, or returns it unchanged. Errors: [provider.NotFound].
	//greenroom:repeat !r.Rotate
	EditPage(ctx context.Context, c PageChange) (PageLink, error)
	// Page returns what a guest sees. Errors: [provider.NotFound] for an unknown address, and for a page that is off.
	//greenroom:repeat
	Page(ctx context.Context, ref PageRef) (PageView, error)
	// EnterPage stores a guest's answer and, if that allows it and the meeting is open, returns how to join. Errors:
	// [provider.NotFound] as Page, [provider.Invalid] for an unusable name, [provider.Forbidden] for a removed guest or an invalid
	// host token, [provider.RateLimited] for a room with too many guests, [provider.Unsupported].
	//greenroom:repeat r.Host == ""
	EnterPage(ctx context.Context, e PageEntry) (PageEntered, error)
}

// Plans are future meetings: bookings of rooms, and subscribed calendars.
type Plans interface {
	// Bookings lists bookings by their next occurrence, those that are over last. Errors: [provider.NotFound] for a room.
	//greenroom:repeat
	Bookings(ctx context.Context, q BookingQuery) ([]Booking, error)
	// Book creates a booking. Errors: [provider.NotFound], [provider.Invalid].
	//greenroom:once
	Book(ctx context.Context, b BookingSpec) (Booking, error)
	// EditBooking changes a booking. Errors: [provider.NotFound], [provider.Invalid].
	//greenroom:once
	EditBooking(ctx context.Context, p BookingPatch) (Booking, error)
	// RemoveBooking removes a booking; a meeting that was created for it stays. Errors: [provider.NotFound], [provider.Invalid] if
	// the name matches several.
	//greenroom:once
	RemoveBooking(ctx context.Context, ref BookingRef) (Booking, error)
	// Upcoming lists future meetings and events, in order. Calendars that were not read for a while are read first; their failures
	// are in the notes. Errors: [provider.Invalid].
	//greenroom:repeat
	Upcoming(ctx context.Context, q UpcomingQuery) (Upcoming, error)
	// Expected lists the people who are expected in a meeting: by its booking, and by events of calendars with its link. Errors:
	// [provider.NotFound].
	//greenroom:repeat
	Expected(ctx context.Context, ref MeetingRef) ([]Person, error)
	// Calendars lists the subscribed calendars by name.
	//greenroom:repeat
	Calendars(ctx context.Context, q CalendarQuery) ([]Calendar, error)
	// AddCalendar subscribes to a calendar after reading it. Errors: [provider.Conflict] for a name that exists, [provider.Invalid],
	// [provider.NotFound], [provider.Forbidden] for an address in the private network, and others if it can't be read.
	//greenroom:once
	AddCalendar(ctx context.Context, c CalendarSpec) (Calendar, error)
	// RemoveCalendar ends a subscription. Errors: [provider.NotFound].
	//greenroom:once
	RemoveCalendar(ctx context.Context, ref CalendarRef) (Calendar, error)
	// ExportCalendar returns bookings as a calendar for other programs. Errors: [provider.NotFound].
	//greenroom:repeat
	ExportCalendar(ctx context.Context, e CalendarExport) (ExportedCalendar, error)
}

// Recordings lists and manages the platforms' recordings.
type Recordings interface {
	// Recordings lists recordings, newest first.
	//greenroom:repeat
	Recordings(ctx context.Context, q RecordingQuery) ([]Recording, error)
	// Recording finds a recording. The platforms are asked for an unknown one, unless ref.Known is set. Errors:
	// [provider.NotFound], [provider.Conflict] if several accounts have one with that id.
	//greenroom:repeat
	Recording(ctx context.Context, ref RecordingRef) (Recording, error)
	// StartRecording starts a meeting's recording; a running one is no error. Errors: [provider.NotFound],
	// [provider.Conflict], [provider.Unsupported].
	//greenroom:once
	StartRecording(ctx context.Context, r RecordingSwitch) (Meeting, error)
	// StopRecording stops a meeting's recording; one that doesn't run is no error. Errors: as StartRecording.
	//greenroom:once
	StopRecording(ctx context.Context, r RecordingSwitch) (Meeting, error)
	// DeleteRecording deletes a recording on its platform; one that is gone is no error. Downloaded files stay. Errors:
	// [provider.NotFound], [provider.Conflict] while it is downloaded, [provider.Unsupported].
	//greenroom:once
	DeleteRecording(ctx context.Context, ref RecordingRef) (Recording, error)
}

// Downloads are the downloads of recordings to this machine, and the programs that run on them.
type Downloads interface {
	// DownloadRecording starts or resumes a download and returns at once; [RecordingChange]s report its progress. Errors:
	// [provider.NotFound], [provider.NotReady], [provider.Invalid], [provider.Conflict], [provider.Unsupported].
	//greenroom:repeat !r.Again
	DownloadRecording(ctx context.Context, r DownloadRequest) (Recording, error)
	// PauseDownload pauses a download, and returns when nothing of it runs; DownloadRecording resumes it. One that doesn't run is no
	// error. Errors: [provider.NotFound].
	//greenroom:repeat
	PauseDownload(ctx context.Context, ref RecordingRef) (Recording, error)
	// CancelDownload cancels a download that isn't complete, and removes its files. Errors: [provider.NotFound],
	// [provider.Conflict] for one that is complete.
	//greenroom:once
	CancelDownload(ctx context.Context, ref RecordingRef) (Recording, error)
	// IgnoreRecording excludes a recording from downloads of all recordings, or includes it again. DownloadRecording accepts it
	// nevertheless, and includes it again. Errors: [provider.NotFound], [provider.Conflict] while it is downloaded.
	//greenroom:repeat
	IgnoreRecording(ctx context.Context, r IgnoreRequest) (Recording, error)
	// RerunCommand runs on_download again on a downloaded recording. A waiting run starts now. Errors: [provider.NotFound],
	// [NotConfigured], [provider.Conflict] while it runs.
	//greenroom:once
	RerunCommand(ctx context.Context, ref RecordingRef) (Recording, error)
	// SkipCommand ends on_download for a recording: a running program is killed, and is not run again. When SkipCommand returns,
	// nothing of it runs. One that has ended stays. Errors: [provider.NotFound].
	//greenroom:repeat
	SkipCommand(ctx context.Context, ref RecordingRef) (Recording, error)
	// NoteVerification stores the findings about files of a download. Those about other files stay. Errors: [provider.NotFound].
	//greenroom:repeat
	NoteVerification(ctx context.Context, v Verification) (Recording, error)
	// LimitDownloads changes the bandwidth of all downloads until this owner of the store exits. Errors: [provider.Invalid],
	// [provider.Unsupported].
	//greenroom:repeat
	LimitDownloads(ctx context.Context, l DownloadLimit) (DownloadLimit, error)
}

// Events are the webhooks that arrived.
type Events interface {
	// Events lists deliveries, newest first. A page with More set may have fewer than Limit, since searches are bounded. Errors:
	// [provider.NotFound] for a meeting, [provider.Invalid] for a filter.
	//greenroom:repeat
	Events(ctx context.Context, q EventQuery) (EventPage, error)
	// Event returns one delivery with its headers and body. Errors: [provider.NotFound].
	//greenroom:repeat
	Event(ctx context.Context, ref EventRef) (Delivery, error)
	// SignWebhook returns a synthetic webhook, signed with the account's present secret. Errors: [NotConfigured],
	// [provider.Unsupported].
	//greenroom:repeat
	SignWebhook(ctx context.Context, w SyntheticWebhook) (SignedWebhook, error)
	// Resign returns a request with a new signature of its account's platform. Errors: [NotConfigured], [provider.Unsupported].
	//greenroom:repeat
	Resign(ctx context.Context, r ResignRequest) (Inbound, error)
	// Replay verifies and stores an event again, as a replay of the first one. An unchanged request gets its first verdict. Errors:
	// [provider.NotFound], [NotConfigured] for an account that isn't configured.
	//greenroom:once
	Replay(ctx context.Context, r Replay) (Answer, error)
	// Import stores events of a file, with their verdicts. They change no meeting; those that were imported before are not stored
	// again.
	//greenroom:repeat
	Import(ctx context.Context, b ImportBatch) (ImportedBatch, error)
}

// Forwards send events to other programs.
type Forwards interface {
	// Forwards lists the forwards by name.
	//greenroom:repeat
	Forwards(ctx context.Context, q ForwardQuery) ([]Forward, error)
	// SetForward creates a forward or changes the one of that name. Errors: [provider.Invalid] for an unusable URL, filter or
	// certificate, [provider.Unsupported].
	//greenroom:repeat
	SetForward(ctx context.Context, f ForwardSpec) (Forward, error)
	// AddForward creates a forward. Errors: as SetForward, and [provider.Conflict] for a name that exists.
	//greenroom:once
	AddForward(ctx context.Context, f ForwardSpec) (Forward, error)
	// EditForward changes, pauses or resumes a forward. Errors: as SetForward, [provider.NotFound], and [provider.Conflict] for a
	// change of one in the configuration, which can only be paused.
	//greenroom:once
	EditForward(ctx context.Context, p ForwardPatch) (Forward, error)
	// RemoveForward removes a forward. Its attempts stay with the events. Errors: [provider.NotFound], [provider.Conflict] for one in
	// the configuration.
	//greenroom:once
	RemoveForward(ctx context.Context, ref ForwardRef) (Forward, error)
}

// Catches receive webhooks from other services.
type Catches interface {
	// Catches lists the catches by name.
	//greenroom:repeat
	Catches(ctx context.Context, q CatchQuery) ([]Catch, error)
	// CreateCatch creates a catch. Errors: [provider.Invalid], [provider.Conflict] for a name that exists.
	//greenroom:once
	CreateCatch(ctx context.Context, c CatchSpec) (Catch, error)
	// RemoveCatch removes a catch with its events. Errors: [provider.NotFound].
	//greenroom:once
	RemoveCatch(ctx context.Context, ref CatchRef) (Catch, error)
}

// Intake is where listeners and tunnels deliver requests.
type Intake interface {
	// Ingest stores one request of a listener durably, and returns the answer. Programs that listen beside the store's owner use
	// it, too. It may be repeated: an event that is already stored is recorded as a duplicate and changes nothing.
	//greenroom:repeat
	Ingest(ctx context.Context, in Inbound) (Answer, error)
	// IngestBatch is Ingest for requests that were stored elsewhere first. Each one's position is stored with it, in one
	// transaction; a request at or before the stored position is not stored again. There is an answer for each: if one was not
	// Stored, neither were those after it.
	//greenroom:repeat
	IngestBatch(ctx context.Context, b Batch) ([]Answer, error)
}

// Tunnels make the listener public, so that the platforms can post to it.
type Tunnels interface {
	// TunnelState returns the positions from which a tunnel resumes.
	//greenroom:repeat
	TunnelState(ctx context.Context, q TunnelQuery) (TunnelState, error)
	// ReportTunnel stores the state of a tunnel for Status until its lease expires. Errors: [provider.Invalid].
	//greenroom:repeat
	ReportTunnel(ctx context.Context, r TunnelReport) (TunnelReported, error)
	// ProbeTunnel makes the process with the tunnel send a request through it, and returns the outcome. Errors: [NotConfigured]
	// without a tunnel.
	//greenroom:repeat
	ProbeTunnel(ctx context.Context, p TunnelProbe) (TunnelProbed, error)
	// RegisterWebhook registers the tunnel's URL on the account's platform. Errors: [provider.Conflict] for a webhook that
	// isn't ours unless Replace is set, [provider.Unsupported], [NotConfigured], [provider.Invalid].
	//greenroom:once
	RegisterWebhook(ctx context.Context, r WebhookRegistration) (RegisteredWebhook, error)
}
