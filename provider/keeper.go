package provider

import (
	"context"
	"time"
)

// KeptRoom describes a room that outlives its meetings.
type KeptRoom struct {
	// Name is valid on every platform, at most 100 bytes. On a platform without [Traits].NamesRooms it is at most 38 bytes of lower
	// case, and the platform's name begins with it.
	Name string
	// RoomID is the id of the room here, as in [MeetingSpec].
	RoomID string
	// Locked, Size, Recording and Trigger are those of [MeetingSpec].
	Locked    bool
	Size      int
	Recording RecordingMode
	Trigger   Trigger
	// Tried is the time of an earlier call for Name whose outcome is unknown, zero if there was none.
	Tried time.Time
}

// RoomKeeper keeps a room for all meetings of a room here, so that its guest link can be published. [Provider.EndMeeting] with
// [Meeting].Keep ends a meeting in it, and without Keep removes it.
type RoomKeeper interface {
	// KeepRoom creates the room. It never uses or changes a room of others: [Conflict] means that Name exists, call again with
	// another. After an [Unavailable] error the room may exist: a call with Tried returns it, or creates it. [Meeting].Until is when
	// the platform will remove the room, zero for never.
	KeepRoom(ctx context.Context, r KeptRoom) (Meeting, error)
	// OpenRoom prepares the room for a meeting until s.Until, and returns the room as it is now. [NotFound] means that it is gone.
	OpenRoom(ctx context.Context, m Meeting, s MeetingSpec) (Meeting, error)
	// ChangeRoom changes the settings that differ between was and now. [Unsupported] means that the platform can't: nothing changed.
	ChangeRoom(ctx context.Context, m Meeting, was, now KeptRoom) error
}
