package filter

import "greenroom/internal/app"

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
