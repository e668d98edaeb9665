package provider

import "time"

// Objects are the names that a platform gives to recordings in a bucket of the user's.
type Objects struct {
	// Read reads an object's key; false for one that the platform's recordings don't have.
	Read func(key string) (ObjectName, bool)
	// Wholes are the extensions, with their dots and in lower case, of files that are a whole recording.
	Wholes []string
	// OwnFolders says that the platform makes folders of its own below the one that it is given.
	OwnFolders bool
}

// ObjectName is the content of an object's key.
type ObjectName struct {
	// Domain is the platform's name of the customer, empty where keys don't have it.
	Domain string
	// Room is the platform's room, without a slash.
	Room string
	// Start is when the recording began.
	Start time.Time
	// Participant, Media and TrackStart are those of a raw track: the participant's session, "cam-audio", "screen-video" or
	// the like, and when this track began. Empty for a file that is the whole recording.
	Participant string
	Media       string
	TrackStart  time.Time
	// Ext is what follows the name, with its dot: ".mp4", ".event.json". Daily gives most objects none.
	Ext string
}

// Track reports whether the object is one track of several.
func (n ObjectName) Track() bool { return n.Media != "" }

// Offset is by how much the track begins after the recording.
func (n ObjectName) Offset() time.Duration {
	if !n.Track() {
		return 0
	}
	return n.TrackStart.Sub(n.Start)
}
