// Package object parses the names that platforms give to recordings in the user's bucket: the room, the start, and for raw tracks
// the participant. It reports other names as such and guesses nothing. It performs no I/O.
package object

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
)

// Name is a parsed key.
type Name = provider.ObjectName

var (
	// wherebyName is "{room}-{start}" with .mp4 or .mkv, the room without its slash and the start in UTC. Fractions of seconds are
	// not documented, and allowed.
	wherebyName = regexp.MustCompile(`^(.+)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)(\.[A-Za-z0-9.]+)?$`)
	// dailyWhole is "{start}", with .mp4 if the bucket's template has it. dailyTrack is "{start}-{participant}-{media}-{track's
	// start}". Times are milliseconds since 1970.
	dailyWhole = regexp.MustCompile(`^(\d{12,14})(\.[A-Za-z0-9.]+)?$`)
	dailyTrack = regexp.MustCompile(`^(\d{12,14})-([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})-([A-Za-z][A-Za-z0-9_-]*)-(\d{12,14})(\.[A-Za-z0-9.]+)?$`)
	// livekitWhole is "{start}-{instance}", livekitTrack "{participant}-{media}-{track's start}".
	livekitWhole = regexp.MustCompile(`^(\d{12,14})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(\.[A-Za-z0-9.]+)?$`)
	livekitTrack = regexp.MustCompile(`^(PA_[A-Za-z0-9]+)-((?:cam|screen)-(?:audio|video))-(\d{12,14})(\.[A-Za-z0-9.]+)?$`)
)

// Whereby parses the key of an object that Whereby wrote, in any folder.
func Whereby(key string) (Name, bool) {
	m := wherebyName.FindStringSubmatch(path.Base(key))
	if m == nil {
		return Name{}, false
	}
	start, err := time.Parse(time.RFC3339Nano, m[2])
	if err != nil || start.IsZero() {
		return Name{}, false
	}
	return Name{Room: m[1], Start: start, Ext: m[3]}, true
}

// Daily parses the key of an object that Daily wrote by its own template: "{domain}/{room}/{start}" for a complete recording; for
// raw tracks also participant, media and the track's start. Files beside tracks, such as "….event.json", are parsed as the track
// that they belong to.
func Daily(key string) (Name, bool) {
	folder, base := path.Split(key)
	folders := strings.Split(strings.Trim(folder, "/"), "/")
	if len(folders) < 2 {
		return Name{}, false
	}
	n := Name{Domain: folders[len(folders)-2], Room: folders[len(folders)-1]}
	if n.Domain == "" || n.Room == "" {
		return Name{}, false
	}
	if m := dailyWhole.FindStringSubmatch(base); m != nil {
		n.Start, n.Ext = milliseconds(m[1]), m[2]
		return n, true
	}
	m := dailyTrack.FindStringSubmatch(base)
	if m == nil {
		return Name{}, false
	}
	n.Start, n.Participant, n.Media, n.TrackStart = milliseconds(m[1]), strings.ToLower(m[2]), m[3], milliseconds(m[4])
	n.Ext = m[5]
	return n, true
}

// LiveKit parses the key of an object that LiveKit's egress wrote under a name of ours: "{room}/{start}-{instance}.mp4" for a
// whole room, "{room}/{start}-{instance}/{participant}-{media}-{track's start}" for a track, with an extension by its codec.
func LiveKit(key string) (Name, bool) {
	parts := strings.Split(key, "/")
	if n := len(parts); n >= 2 && parts[n-2] != "" {
		if m := livekitWhole.FindStringSubmatch(parts[n-1]); m != nil {
			return Name{Room: parts[n-2], Start: milliseconds(m[1]), Ext: m[3]}, true
		}
	}
	n := len(parts)
	if n < 3 || parts[n-3] == "" {
		return Name{}, false
	}
	of, m := livekitWhole.FindStringSubmatch(parts[n-2]), livekitTrack.FindStringSubmatch(parts[n-1])
	if of == nil || of[3] != "" || m == nil {
		return Name{}, false
	}
	return Name{
		Room: parts[n-3], Start: milliseconds(of[1]), Participant: m[1], Media: m[2], TrackStart: milliseconds(m[3]), Ext: m[4],
	}, true
}

// Track parses the key of a raw track of any platform; false for every other key.
func Track(key string) (Name, bool) {
	n, ok := Daily(key)
	if !ok || !n.Track() {
		n, ok = LiveKit(key)
	}
	return n, ok && n.Track()
}

// Group returns the key prefix that identifies a recording: for raw tracks everything before the participant, otherwise the whole
// key.
func Group(key string) string {
	if _, ok := Track(key); !ok {
		return key
	}
	folder, base := path.Split(key)
	if _, ok := LiveKit(key); ok {
		return folder
	}
	start, _, _ := strings.Cut(base, "-")
	return folder + start + "-"
}

// milliseconds parses a time of at most 14 digits, which the expressions guarantee.
func milliseconds(digits string) time.Time {
	ms, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
