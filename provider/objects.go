package provider

import "time"

// Objects describes the names that a platform gives to recordings in the user's bucket.
type Objects struct {
	// Read parses an object's key. It returns false for an object that isn't one of the platform's recordings.
	Read func(key string) (ObjectName, bool)
	// Wholes are the extensions of files that are a complete recording, in lower case with the dot.
	Wholes []string
	// OwnFolders means that the platform creates folders below the given one.
	OwnFolders bool
}

// ObjectName is a parsed key.
type ObjectName struct {
	// Domain is the platform's name of the customer, empty if keys don't have it.
	Domain string
	// Room is the platform's room, without a slash.
	Room string
	// Start is when the recording began.
	Start time.Time
	// Participant, Media and TrackStart describe a raw track: the participant's session, "cam-audio", "screen-video" or the like,
	// and the start of the track. Empty for a complete recording.
	Participant string
	Media       string
	TrackStart  time.Time
	// Ext is the rest of the name, with the dot: ".mp4", ".event.json". Most of Daily's objects have none.
	Ext string
}

// Track reports whether the object is one track of several.
func (n ObjectName) Track() bool { return n.Media != "" }

// Offset is the time from the recording's start to the track's.
func (n ObjectName) Offset() time.Duration {
	if !n.Track() {
		return 0
	}
	return n.TrackStart.Sub(n.Start)
}
