package ipc

import (
	"context"

	"greenroom/internal/app"
)

var (
	_ app.Backend = (*Client)(nil)
	_ app.Backend = (*Session)(nil)
)

// Status implements [app.Backend], as do the methods below.
func (c *Client) Status(ctx context.Context, q app.StatusQuery) (app.Status, error) {
	return call[app.Status](ctx, c, "Status", q)
}

// Rooms lists rooms.
func (c *Client) Rooms(ctx context.Context, q app.RoomQuery) ([]app.RoomView, error) {
	return call[[]app.RoomView](ctx, c, "Rooms", q)
}

// Room finds a room.
func (c *Client) Room(ctx context.Context, ref app.RoomRef) (app.RoomView, error) {
	return call[app.RoomView](ctx, c, "Room", ref)
}

// CreateRoom makes a room.
func (c *Client) CreateRoom(ctx context.Context, r app.RoomSpec) (app.Room, error) {
	return call[app.Room](ctx, c, "CreateRoom", r)
}

// EditRoom changes a room.
func (c *Client) EditRoom(ctx context.Context, p app.RoomPatch) (app.Room, error) {
	return call[app.Room](ctx, c, "EditRoom", p)
}

// DeleteRoom removes a room.
func (c *Client) DeleteRoom(ctx context.Context, ref app.RoomRef) (app.Room, error) {
	return call[app.Room](ctx, c, "DeleteRoom", ref)
}

// Meetings lists meetings.
func (c *Client) Meetings(ctx context.Context, q app.MeetingQuery) ([]app.Meeting, error) {
	return call[[]app.Meeting](ctx, c, "Meetings", q)
}

// Meeting finds a meeting.
func (c *Client) Meeting(ctx context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	return call[app.MeetingDetail](ctx, c, "Meeting", ref)
}

// StartMeeting starts a meeting.
func (c *Client) StartMeeting(ctx context.Context, r app.StartMeeting) (app.StartedMeeting, error) {
	return call[app.StartedMeeting](ctx, c, "StartMeeting", r)
}

// EndMeeting ends a meeting.
func (c *Client) EndMeeting(ctx context.Context, ref app.MeetingRef) (app.Meeting, error) {
	return call[app.Meeting](ctx, c, "EndMeeting", ref)
}

// MeetingLink gives a meeting's link.
func (c *Client) MeetingLink(ctx context.Context, r app.LinkRequest) (app.Link, error) {
	return call[app.Link](ctx, c, "MeetingLink", r)
}

// Recordings lists recordings.
func (c *Client) Recordings(ctx context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	return call[[]app.Recording](ctx, c, "Recordings", q)
}

// PlatformRooms lists what exists on the platforms.
func (c *Client) PlatformRooms(ctx context.Context, r app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	return call[[]app.PlatformRoom](ctx, c, "PlatformRooms", r)
}

// AdoptRoom takes over a room.
func (c *Client) AdoptRoom(ctx context.Context, r app.Adoption) (app.RoomView, error) {
	return call[app.RoomView](ctx, c, "AdoptRoom", r)
}

// StartRecording starts a meeting's recording.
func (c *Client) StartRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return call[app.Meeting](ctx, c, "StartRecording", r)
}

// StopRecording stops a meeting's recording.
func (c *Client) StopRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return call[app.Meeting](ctx, c, "StopRecording", r)
}

// Eject removes somebody from a meeting.
func (c *Client) Eject(ctx context.Context, r app.Ejection) (app.MeetingDetail, error) {
	return call[app.MeetingDetail](ctx, c, "Eject", r)
}

// Consent stores an answer about being recorded.
func (c *Client) Consent(ctx context.Context, r app.ConsentAnswer) (app.Meeting, error) {
	return call[app.Meeting](ctx, c, "Consent", r)
}

// Diagnose asks how the accounts do.
func (c *Client) Diagnose(ctx context.Context, r app.DiagnosisQuery) ([]app.Diagnosis, error) {
	return call[[]app.Diagnosis](ctx, c, "Diagnose", r)
}

// Events lists deliveries.
func (c *Client) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	return call[app.EventPage](ctx, c, "Events", q)
}

// Event gives one delivery.
func (c *Client) Event(ctx context.Context, ref app.EventRef) (app.Delivery, error) {
	return call[app.Delivery](ctx, c, "Event", ref)
}

// Maintain works on the store's file.
func (c *Client) Maintain(ctx context.Context, m app.Maintenance) (app.Maintained, error) {
	return call[app.Maintained](ctx, c, "Maintain", m)
}

// Ingest hands over a request.
func (c *Client) Ingest(ctx context.Context, in app.Inbound) (app.Answer, error) {
	return call[app.Answer](ctx, c, "Ingest", in)
}

// Status implements [app.Backend], as do the methods below: with the owner's Backend, ours or over the socket.
func (s *Session) Status(ctx context.Context, q app.StatusQuery) (app.Status, error) {
	return route(ctx, s, again, q, app.Backend.Status)
}

// Rooms lists rooms.
func (s *Session) Rooms(ctx context.Context, q app.RoomQuery) ([]app.RoomView, error) {
	return route(ctx, s, again, q, app.Backend.Rooms)
}

// Room finds a room.
func (s *Session) Room(ctx context.Context, ref app.RoomRef) (app.RoomView, error) {
	return route(ctx, s, again, ref, app.Backend.Room)
}

// CreateRoom makes a room.
func (s *Session) CreateRoom(ctx context.Context, r app.RoomSpec) (app.Room, error) {
	return route(ctx, s, once, r, app.Backend.CreateRoom)
}

// EditRoom changes a room.
func (s *Session) EditRoom(ctx context.Context, p app.RoomPatch) (app.Room, error) {
	return route(ctx, s, once, p, app.Backend.EditRoom)
}

// DeleteRoom removes a room.
func (s *Session) DeleteRoom(ctx context.Context, ref app.RoomRef) (app.Room, error) {
	return route(ctx, s, once, ref, app.Backend.DeleteRoom)
}

// Meetings lists meetings.
func (s *Session) Meetings(ctx context.Context, q app.MeetingQuery) ([]app.Meeting, error) {
	return route(ctx, s, again, q, app.Backend.Meetings)
}

// Meeting finds a meeting.
func (s *Session) Meeting(ctx context.Context, ref app.MeetingRef) (app.MeetingDetail, error) {
	return route(ctx, s, again, ref, app.Backend.Meeting)
}

// StartMeeting starts a meeting.
func (s *Session) StartMeeting(ctx context.Context, r app.StartMeeting) (app.StartedMeeting, error) {
	return route(ctx, s, once, r, app.Backend.StartMeeting)
}

// EndMeeting ends a meeting. It is not repeated: the same name may mean another meeting the second time.
func (s *Session) EndMeeting(ctx context.Context, ref app.MeetingRef) (app.Meeting, error) {
	return route(ctx, s, once, ref, app.Backend.EndMeeting)
}

// MeetingLink gives a meeting's link.
func (s *Session) MeetingLink(ctx context.Context, r app.LinkRequest) (app.Link, error) {
	return route(ctx, s, again, r, app.Backend.MeetingLink)
}

// Recordings lists recordings.
func (s *Session) Recordings(ctx context.Context, q app.RecordingQuery) ([]app.Recording, error) {
	return route(ctx, s, again, q, app.Backend.Recordings)
}

// PlatformRooms lists what exists on the platforms.
func (s *Session) PlatformRooms(ctx context.Context, r app.PlatformRoomQuery) ([]app.PlatformRoom, error) {
	return route(ctx, s, again, r, app.Backend.PlatformRooms)
}

// AdoptRoom takes over a room.
func (s *Session) AdoptRoom(ctx context.Context, r app.Adoption) (app.RoomView, error) {
	return route(ctx, s, once, r, app.Backend.AdoptRoom)
}

// StartRecording starts a meeting's recording.
func (s *Session) StartRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return route(ctx, s, once, r, app.Backend.StartRecording)
}

// StopRecording stops a meeting's recording.
func (s *Session) StopRecording(ctx context.Context, r app.RecordingSwitch) (app.Meeting, error) {
	return route(ctx, s, once, r, app.Backend.StopRecording)
}

// Eject removes somebody from a meeting.
func (s *Session) Eject(ctx context.Context, r app.Ejection) (app.MeetingDetail, error) {
	return route(ctx, s, once, r, app.Backend.Eject)
}

// Consent stores an answer about being recorded.
func (s *Session) Consent(ctx context.Context, r app.ConsentAnswer) (app.Meeting, error) {
	return route(ctx, s, once, r, app.Backend.Consent)
}

// Diagnose asks how the accounts do.
func (s *Session) Diagnose(ctx context.Context, r app.DiagnosisQuery) ([]app.Diagnosis, error) {
	return route(ctx, s, again, r, app.Backend.Diagnose)
}

// Events lists deliveries.
func (s *Session) Events(ctx context.Context, q app.EventQuery) (app.EventPage, error) {
	return route(ctx, s, again, q, app.Backend.Events)
}

// Event gives one delivery.
func (s *Session) Event(ctx context.Context, ref app.EventRef) (app.Delivery, error) {
	return route(ctx, s, again, ref, app.Backend.Event)
}

// Maintain works on the store's file.
func (s *Session) Maintain(ctx context.Context, m app.Maintenance) (app.Maintained, error) {
	return route(ctx, s, once, m, app.Backend.Maintain)
}

// Ingest hands over a request. It is repeated with the next owner: an event that was stored already is recorded as a
// duplicate and changes nothing.
func (s *Session) Ingest(ctx context.Context, in app.Inbound) (app.Answer, error) {
	return route(ctx, s, again, in, app.Backend.Ingest)
}
