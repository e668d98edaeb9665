package app

import "context"

//go:generate go run ../ipc/gen

// Backend is the application as screens and commands use it. internal/hub satisfies it in-process, internal/ipc over a
// local socket. It is the sum of its parts, and consumers ask for the parts that they need.
//
// Each method but Subscribe has one plain value as its argument and one as its result, so that one piece of plumbing carries all
// of them: internal/ipc is generated from this file (go generate ./internal/app). The line above each method states whether a
// call is repeated if the owner of the store exited and may have carried it out already: "repeat", "once", or "repeat" with the
// condition, in which r is the request.
//
// Errors that users can act on are [*Error]s of a kind. Besides the kinds that are named with a method, any method can fail
// with the context's error, and with [provider.Unavailable] while the store or its owner can't be reached. Methods that change
// something fail with [Busy] when too many writes wait. Methods that call a platform pass on the kind of its refusal. All
// methods are safe for concurrent use.
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

	// Subscribe streams what changes from now on until ctx ends, when the channel is closed. A reader that is too slow
	// gets a [Missed] change in place of those it missed, and must read again; it never slows others.
	Subscribe(ctx context.Context) (<-chan Change, error)
}

// Overview is how Greenroom and the platforms are.
type Overview interface {
	// Status returns what the Status tab and doctor show. It asks no platform.
	//greenroom:repeat
	Status(ctx context.Context, q StatusQuery) (Status, error)
	// Counts counts what the queries select, whatever their limits, so that a list that is cut can report the total.
	//greenroom:repeat
	Counts(ctx context.Context, q CountQuery) (Counts, error)
	// Diagnose asks the platforms how the accounts are. What a platform refuses is part of the answer, not an error.
	//greenroom:repeat
	Diagnose(ctx context.Context, q DiagnosisQuery) ([]Diagnosis, error)
	// Maintain compacts, checks or backs up the store's file while it is in use. Errors: [provider.Invalid] for an unknown
	// work or a path that can't be used, [provider.Conflict] for a backup over an existing file.
	//greenroom:once
	Maintain(ctx context.Context, m Maintenance) (Maintained, error)
}

// Trash brings back what was deleted here a moment ago.
type Trash interface {
	// Undo brings back the latest room, booking, calendar, forward or catch that was deleted here in the last minute: a room with its id,
	// meetings and bookings, a forward at its position, a catch with its address and events. It isn't repeated: the second time it would
	// bring back an earlier one. Errors: [provider.NotFound] when there is none, [provider.Conflict] for the booking of a room that is gone.
	//greenroom:once
	Undo(ctx context.Context, u UndoRequest) (Undone, error)
}

// Rooms are the lasting templates of meetings, and the rooms that exist on the platforms.
type Rooms interface {
	// Rooms lists the rooms.
	//greenroom:repeat
	Rooms(ctx context.Context, q RoomQuery) ([]RoomView, error)
	// Room finds a room. Errors: [provider.NotFound].
	//greenroom:repeat
	Room(ctx context.Context, ref RoomRef) (RoomView, error)
	// CreateRoom makes a room. Errors: [provider.Invalid], [provider.Conflict] for a name that exists.
	//greenroom:once
	CreateRoom(ctx context.Context, r RoomSpec) (Room, error)
	// EditRoom changes a room. Errors: [provider.NotFound], [provider.Invalid], [provider.Conflict] for a name that exists.
	//greenroom:once
	EditRoom(ctx context.Context, p RoomPatch) (Room, error)
	// DeleteRoom deletes a room; its meetings stay. Errors: [provider.NotFound], [provider.Conflict] while a meeting is open.
	//greenroom:once
	DeleteRoom(ctx context.Context, ref RoomRef) (Room, error)
	// PlatformRooms asks the platforms for the rooms that exist there, newest first by account.
	//greenroom:repeat
	PlatformRooms(ctx context.Context, q PlatformRoomQuery) ([]PlatformRoom, error)
	// AdoptRoom adopts a room that exists on a platform. One that is known already is returned as it is, under the new name if
	// there is one. Errors: [provider.NotFound], [provider.Invalid], [provider.Conflict], [provider.Unsupported].
	//greenroom:once
	AdoptRoom(ctx context.Context, a Adoption) (RoomView, error)
}

// Meetings are the occurrences of rooms, with their people.
type Meetings interface {
	// Meetings lists meetings. Errors: [provider.NotFound] for a room, [provider.Invalid] for a filter or a time zone.
	//greenroom:repeat
	Meetings(ctx context.Context, q MeetingQuery) ([]Meeting, error)
	// Meeting finds a meeting with its stays. Errors: [provider.NotFound], [provider.Invalid] if the name fits several.
	//greenroom:repeat
	Meeting(ctx context.Context, ref MeetingRef) (MeetingDetail, error)
	// StartMeeting starts a meeting of a room, or returns the one that is open. Errors: [provider.NotFound],
	// [provider.Invalid] for an end that can't be, [NotConfigured] without an account.
	//greenroom:once
	StartMeeting(ctx context.Context, r StartMeeting) (StartedMeeting, error)
	// EndMeeting ends a meeting; one that has ended is no error. It isn't repeated: the same name may mean another meeting the
	// second time. Errors: [provider.NotFound], [provider.Invalid] if the name fits several, [provider.Conflict].
	//greenroom:once
	EndMeeting(ctx context.Context, ref MeetingRef) (Meeting, error)
	// MeetingLink returns the guest link, or fetches a host link. Errors: [provider.NotFound], [provider.Unsupported].
	//greenroom:repeat
	MeetingLink(ctx context.Context, r LinkRequest) (Link, error)
	// Eject removes a participant from a meeting; one who has left is no error. Errors: [provider.NotFound],
	// [provider.Invalid] if the name fits several, [provider.Unsupported].
	//greenroom:once
	Eject(ctx context.Context, e Ejection) (MeetingDetail, error)
	// Mute mutes or unmutes what a participant sends; tracks that are so already are no error. Errors: [provider.NotFound],
	// [provider.Invalid], [provider.Unsupported], [provider.Forbidden] where others can't unmute.
	//greenroom:repeat
	Mute(ctx context.Context, m Muting) (Muted, error)
	// Consent stores the answer to the question that a recorded meeting asks. Errors: [provider.NotFound].
	//greenroom:once
	Consent(ctx context.Context, c ConsentAnswer) (Meeting, error)
}

// Pages are the rooms' own addresses, at which guests join.
type Pages interface {
	// EditPage replaces, disables or enables the address of a room's page, or only returns it. Errors: [provider.NotFound].
	//greenroom:repeat !r.Rotate
	EditPage(ctx context.Context, c PageChange) (PageLink, error)
	// Page returns what a guest sees. Errors: [provider.NotFound] for an address that no room has, and for a page that is off.
	//greenroom:repeat
	Page(ctx context.Context, ref PageRef) (PageView, error)
	// EnterPage stores a guest's answer and, where that allows it and the meeting runs, returns the way into the meeting. Errors:
	// [provider.NotFound] as Page, [provider.Invalid] for a name that can't be, [provider.Forbidden] for a guest who was removed
	// and for a host's token that is not valid, [provider.RateLimited] for a room with too many guests, [provider.Unsupported].
	//greenroom:repeat r.Host == ""
	EnterPage(ctx context.Context, e PageEntry) (PageEntered, error)
}

// Plans are the meetings to come: bookings of rooms, and the calendars of others.
type Plans interface {
	// Bookings lists bookings by their next occurrence, those that are over last. Errors: [provider.NotFound] for a room.
	//greenroom:repeat
	Bookings(ctx context.Context, q BookingQuery) ([]Booking, error)
	// Book plans a meeting of a room. Errors: [provider.NotFound], [provider.Invalid].
	//greenroom:once
	Book(ctx context.Context, b BookingSpec) (Booking, error)
	// EditBooking changes a booking. Errors: [provider.NotFound], [provider.Invalid].
	//greenroom:once
	EditBooking(ctx context.Context, p BookingPatch) (Booking, error)
	// RemoveBooking removes a booking; a meeting that was made for it stays. Errors: [provider.NotFound], [provider.Invalid] if
	// the name fits several.
	//greenroom:once
	RemoveBooking(ctx context.Context, ref BookingRef) (Booking, error)
	// Upcoming lists what takes place from now on, in order. Calendars that were not read for a while are read first; what
	// fails is in the notes. Errors: [provider.Invalid].
	//greenroom:repeat
	Upcoming(ctx context.Context, q UpcomingQuery) (Upcoming, error)
	// Expected lists the people who are expected in a meeting: by its booking, and by the event of a calendar that has its
	// link. Errors: [provider.NotFound].
	//greenroom:repeat
	Expected(ctx context.Context, ref MeetingRef) ([]Person, error)
	// Calendars lists the subscribed calendars by name.
	//greenroom:repeat
	Calendars(ctx context.Context, q CalendarQuery) ([]Calendar, error)
	// AddCalendar subscribes to a calendar, which it reads first. Errors: [provider.Conflict] for a name that exists,
	// [provider.Invalid], [provider.NotFound], [provider.Forbidden] for an address inside, and others when it can't be read.
	//greenroom:once
	AddCalendar(ctx context.Context, c CalendarSpec) (Calendar, error)
	// RemoveCalendar ends a subscription. Errors: [provider.NotFound].
	//greenroom:once
	RemoveCalendar(ctx context.Context, ref CalendarRef) (Calendar, error)
	// ExportCalendar returns bookings as a calendar that others read. Errors: [provider.NotFound].
	//greenroom:repeat
	ExportCalendar(ctx context.Context, e CalendarExport) (ExportedCalendar, error)
}

// Recordings lists and manages the platforms' recordings.
type Recordings interface {
	// Recordings lists recordings, newest first.
	//greenroom:repeat
	Recordings(ctx context.Context, q RecordingQuery) ([]Recording, error)
	// Recording finds a recording. The platforms are asked for one that isn't known here, unless ref says otherwise. Errors:
	// [provider.NotFound], [provider.Conflict] if several accounts have one of that id.
	//greenroom:repeat
	Recording(ctx context.Context, ref RecordingRef) (Recording, error)
	// StartRecording starts a meeting's recording; one that runs is no error. Errors: [provider.NotFound],
	// [provider.Conflict], [provider.Unsupported].
	//greenroom:once
	StartRecording(ctx context.Context, r RecordingSwitch) (Meeting, error)
	// StopRecording stops a meeting's recording; one that doesn't run is no error. Errors: as StartRecording.
	//greenroom:once
	StopRecording(ctx context.Context, r RecordingSwitch) (Meeting, error)
	// DeleteRecording deletes a recording on its platform; one that is gone is no error. What was downloaded stays. Errors:
	// [provider.NotFound], [provider.Conflict] while it is downloaded, [provider.Unsupported].
	//greenroom:once
	DeleteRecording(ctx context.Context, ref RecordingRef) (Recording, error)
}

// Downloads are the recordings that are fetched to this machine, and the programs that run on them.
type Downloads interface {
	// DownloadRecording starts or resumes a download and returns at once; [RecordingChange]s report what becomes of it. Errors:
	// [provider.NotFound], [provider.NotReady], [provider.Invalid], [provider.Conflict], [provider.Unsupported].
	//greenroom:repeat !r.Again
	DownloadRecording(ctx context.Context, r DownloadRequest) (Recording, error)
	// PauseDownload returns when nothing of the download runs any more; DownloadRecording resumes it. One that doesn't run is
	// no error. Errors: [provider.NotFound].
	//greenroom:repeat
	PauseDownload(ctx context.Context, ref RecordingRef) (Recording, error)
	// CancelDownload cancels a download that isn't complete, and removes what was fetched. Errors: [provider.NotFound],
	// [provider.Conflict] for one that is complete.
	//greenroom:once
	CancelDownload(ctx context.Context, ref RecordingRef) (Recording, error)
	// IgnoreRecording leaves a recording out when all are downloaded, or takes that back. DownloadRecording accepts it
	// nevertheless, and takes it back too. Errors: [provider.NotFound], [provider.Conflict] while it is downloaded.
	//greenroom:repeat
	IgnoreRecording(ctx context.Context, r IgnoreRequest) (Recording, error)
	// RerunCommand runs on_download again on a recording that was downloaded. One that waits runs now. Errors:
	// [provider.NotFound], [NotConfigured], [provider.Conflict] for one that runs.
	//greenroom:once
	RerunCommand(ctx context.Context, ref RecordingRef) (Recording, error)
	// SkipCommand ends on_download for a recording: the program is killed if it runs, and is not run again. When it
	// returns, nothing of it runs. One that has ended stays as it is. Errors: [provider.NotFound].
	//greenroom:repeat
	SkipCommand(ctx context.Context, ref RecordingRef) (Recording, error)
	// NoteVerification stores the result of reading the files of a download. What is known of other files stays. Errors:
	// [provider.NotFound].
	//greenroom:repeat
	NoteVerification(ctx context.Context, v Verification) (Recording, error)
	// LimitDownloads changes the bandwidth of all downloads until this owner of the store ends. Errors: [provider.Invalid],
	// [provider.Unsupported].
	//greenroom:repeat
	LimitDownloads(ctx context.Context, l DownloadLimit) (DownloadLimit, error)
}

// Events are the webhooks that arrived.
type Events interface {
	// Events lists deliveries, newest first. A page may be short of Limit with More set: the scan's budget ran out. Errors:
	// [provider.NotFound] for a meeting, [provider.Invalid] for a filter.
	//greenroom:repeat
	Events(ctx context.Context, q EventQuery) (EventPage, error)
	// Event returns one delivery with its headers and body. Errors: [provider.NotFound].
	//greenroom:repeat
	Event(ctx context.Context, ref EventRef) (Delivery, error)
	// SignWebhook returns a synthetic webhook, signed with the secret that is in force for the account. Errors:
	// [NotConfigured], [provider.Unsupported].
	//greenroom:repeat
	SignWebhook(ctx context.Context, w SyntheticWebhook) (SignedWebhook, error)
	// Resign returns a request with the signature that its account's platform makes now. Errors: [NotConfigured],
	// [provider.Unsupported].
	//greenroom:repeat
	Resign(ctx context.Context, r ResignRequest) (Inbound, error)
	// Replay verifies and stores an event again, as a replay of the first one. An unchanged request gets the verdict that it had
	// when it came. Errors: [provider.NotFound], [NotConfigured] for an account that isn't configured.
	//greenroom:once
	Replay(ctx context.Context, r Replay) (Answer, error)
	// Import stores events of a file with the verdicts that they have there. They change no meeting; those that were imported
	// before are not stored again.
	//greenroom:repeat
	Import(ctx context.Context, b ImportBatch) (ImportedBatch, error)
}

// Forwards pass events on to other programs.
type Forwards interface {
	// Forwards lists the forwards by name.
	//greenroom:repeat
	Forwards(ctx context.Context, q ForwardQuery) ([]Forward, error)
	// SetForward makes a forward or changes the one of that name. Errors: [provider.Invalid] for a URL, a filter or certificates
	// that can't be used, [provider.Unsupported].
	//greenroom:repeat
	SetForward(ctx context.Context, f ForwardSpec) (Forward, error)
	// AddForward makes a forward. Errors: as SetForward, and [provider.Conflict] for a name that exists.
	//greenroom:once
	AddForward(ctx context.Context, f ForwardSpec) (Forward, error)
	// EditForward changes, pauses or resumes a forward. Errors: as SetForward, [provider.NotFound], and [provider.Conflict] for
	// changing one of the configuration, which can only be paused.
	//greenroom:once
	EditForward(ctx context.Context, p ForwardPatch) (Forward, error)
	// RemoveForward removes a forward. What it sent stays with the events. Errors: [provider.NotFound], [provider.Conflict] for one
	// of the configuration.
	//greenroom:once
	RemoveForward(ctx context.Context, ref ForwardRef) (Forward, error)
}

// Catches receive the webhooks of other services.
type Catches interface {
	// Catches lists the catches by name.
	//greenroom:repeat
	Catches(ctx context.Context, q CatchQuery) ([]Catch, error)
	// CreateCatch makes a catch. Errors: [provider.Invalid], [provider.Conflict] for a name that exists.
	//greenroom:once
	CreateCatch(ctx context.Context, c CatchSpec) (Catch, error)
	// RemoveCatch removes a catch with its events. Errors: [provider.NotFound].
	//greenroom:once
	RemoveCatch(ctx context.Context, ref CatchRef) (Catch, error)
}

// Intake is where listeners and tunnels hand over requests.
type Intake interface {
	// Ingest hands over one request that a listener received, and returns what to answer it, durably stored. A program
	// that listens beside the store's owner delivers through this. It may be repeated: an event that was stored already is
	// recorded as a duplicate and changes nothing.
	//greenroom:repeat
	Ingest(ctx context.Context, in Inbound) (Answer, error)
	// IngestBatch is Ingest for requests that were stored elsewhere first. Each one's position is stored with it, in one
	// transaction; one whose position was reached before is not stored again. There is an answer for each: where one was
	// not Stored, neither were those after it.
	//greenroom:repeat
	IngestBatch(ctx context.Context, b Batch) ([]Answer, error)
}

// Tunnels make the listener public, and have the platforms post to it.
type Tunnels interface {
	// TunnelState returns the positions from which a tunnel resumes.
	//greenroom:repeat
	TunnelState(ctx context.Context, q TunnelQuery) (TunnelState, error)
	// ReportTunnel stores the state of a tunnel for Status until its lease has run out. Errors: [provider.Invalid].
	//greenroom:repeat
	ReportTunnel(ctx context.Context, r TunnelReport) (TunnelReported, error)
	// ProbeTunnel has the process with the tunnel send a request through it, and returns the outcome. Errors: [NotConfigured]
	// without a tunnel.
	//greenroom:repeat
	ProbeTunnel(ctx context.Context, p TunnelProbe) (TunnelProbed, error)
	// RegisterWebhook makes the account's platform post to the tunnel's URL. Errors: [provider.Conflict] for a webhook that
	// isn't ours unless Replace is set, [provider.Unsupported], [NotConfigured], [provider.Invalid].
	//greenroom:once
	RegisterWebhook(ctx context.Context, r WebhookRegistration) (RegisteredWebhook, error)
}
