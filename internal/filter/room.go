package filter

import (
	"cmp"

	"greenroom/internal/app"
)

// MeetingItem is a meeting as filters see it. people returns the names of those who were in it or waited.
func MeetingItem(m app.Meeting, people func() []string) Item {
	at := m.StartedAt
	if at.IsZero() {
		at = m.StartsAt
	}
	return Item{
		Account: m.Account, Room: m.Room, Meeting: m.ID, Names: []string{m.Room, m.PlatformRoom, m.Account, string(m.Platform)}, People: people,
		Flags: meetingFlags(m), At: at.Time,
	}
}

// RoomItem is a room as filters see it. flags add what isn't in the room itself: [Failing] for its account, and [Soon].
func RoomItem(v app.RoomView, flags Flag) Item {
	i := Item{Account: cmp.Or(v.Account, v.Would.Account), Room: v.Name, Group: v.Group, People: func() []string { return v.People }, Flags: flags}
	if v.Favourite {
		i.Flags |= Favourite
	}
	if v.Adopted {
		i.Flags |= Adopted
	}
	if m := v.Meeting; m != nil {
		i.Meeting, i.At, i.Flags = m.ID, m.StartsAt.Time, i.Flags|meetingFlags(*m)
		if m.Status != app.Ended {
			i.Account = m.Account
		}
	}
	i.Names = []string{v.Name, v.Group, i.Account, string(v.Would.Platform)}
	return i
}

func meetingFlags(m app.Meeting) Flag {
	f := map[app.MeetingStatus]Flag{app.Live: Live, app.Open: Open, app.Ended: Ended}[m.Status]
	if m.Status != app.Ended && m.Waiting > 0 {
		f |= Waiting
	}
	if m.RecordingError != "" {
		f |= Failing
	}
	if m.Adopted {
		f |= Adopted
	}
	return f
}
