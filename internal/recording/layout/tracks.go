package layout

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/provider/object"
)

// Track is one file of a recording that has several.
type Track struct {
	// File is its name within the recording's folder.
	File string `json:"file"`
	// Kind is the media: "cam-audio", "screen-video" …
	Kind string `json:"kind"`
	// Session is the participant's, empty when unknown. Name is what they called themselves: text from outside.
	Session string `json:"session,omitempty"`
	Name    string `json:"name,omitempty"`
	// UserID is the participant's on the platform, or by the token that they joined with; empty when unknown.
	UserID string `json:"user_id,omitempty"`
	// OffsetS is by how many seconds the track begins after the recording, null when the key doesn't tell.
	OffsetS *float64 `json:"offset_s"`
	// Size in bytes and the SHA-256 in hex, once the file is here.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

// Tracks lays out a recording's files, in their order: tracks are named by kind and participant, "cam-audio-Ada.webm", others
// by their own names. names holds what participants were called, by session in lower case. Names that would meet are
// numbered by offset, so that the same files get the same names again.
//
// A raw track's key at Daily is the only source of participant and offset: "{domain}/{room}/{recording's start}-{participant}-{media}-
// {track's start}". A file beside a track, such as "….event.json", is named like it.
func Tracks(files []provider.RecordingFile, names map[string]string) []Track {
	tracks := make([]Track, len(files))
	stems, ends := make([]string, len(files)), make([]string, len(files))
	for i, f := range files {
		tracks[i] = Track{Kind: f.Kind, Size: f.Size}
		stems[i], ends[i] = nameOf(f, &tracks[i], names)
	}
	order := make([]int, len(files))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(offset(tracks[a]), offset(tracks[b])), cmp.Compare(files[a].Key, files[b].Key), cmp.Compare(files[a].Name, files[b].Name))
	})
	used := map[string]bool{fold(ManifestName): true, fold(ChecksumsName): true}
	for _, i := range order {
		for n := 1; ; n++ {
			end := ends[i]
			if n > 1 {
				end = fmt.Sprintf("-%d%s", n, end)
			}
			name := finish(plain.Cut(stems[i], elementMost-len(end)) + end)
			if key := fold(name); !used[key] {
				used[key], tracks[i].File = true, name
				break
			}
		}
	}
	return tracks
}

// fold is a name as file systems that don't tell upper from lower case compare it.
func fold(name string) string { return norm.NFC.String(strings.ToLower(norm.NFD.String(name))) }

func offset(t Track) float64 {
	if t.OffsetS == nil {
		return 0
	}
	return *t.OffsetS
}

// nameOf returns a file's name in two parts, the second of which is never cut, and fills in what its key says.
func nameOf(f provider.RecordingFile, t *Track, names map[string]string) (stem, end string) {
	n, ok := object.Track(f.Key)
	if !ok {
		base := cmp.Or(f.Name, path.Base(f.Key))
		stem = base
		if own(base) != "" {
			stem = strings.TrimSuffix(base, path.Ext(base))
		}
		return cmp.Or(clean(stem), "unknown"), "." + Extension(base, "", f.Kind)
	}
	t.Kind, t.Session, t.Name = n.Media, n.Participant, names[n.Participant]
	s := n.Offset().Round(time.Millisecond).Seconds()
	t.OffsetS = &s
	who := clean(t.Name)
	if who == "" {
		who = plain.Cut(n.Participant, 8)
	}
	beside := ""
	if n.Ext != "" {
		beside = clean(strings.TrimSuffix(n.Ext, path.Ext(n.Ext)))
	}
	return clean(n.Media) + "-" + who, plain.Cut(beside, 32) + "." + Extension(path.Ext(n.Ext), "", n.Media)
}

// Extension is the extension for a file, without a dot: that of its name where it has one, else what its media type says,
// else what its kind usually is. Daily's raw tracks are WebM, and have neither extension nor a telling type.
func Extension(name, mediaType, kind string) string {
	if ext := own(name); ext != "" {
		return ext
	}
	essence, _, _ := strings.Cut(mediaType, ";")
	switch strings.ToLower(strings.TrimSpace(essence)) {
	case "video/mp4":
		return "mp4"
	case "audio/mp4", "audio/x-m4a", "audio/m4a":
		return "m4a"
	case "video/webm", "audio/webm":
		return "webm"
	case "video/x-matroska", "audio/x-matroska", "video/matroska", "audio/matroska":
		return "mkv"
	case "video/quicktime":
		return "mov"
	case "audio/wav", "audio/x-wav", "audio/vnd.wave":
		return "wav"
	case "audio/aac":
		return "aac"
	case "audio/mpeg":
		return "mp3"
	case "audio/ogg", "application/ogg":
		return "ogg"
	case "application/json":
		return "json"
	}
	switch {
	case strings.HasSuffix(kind, "-audio"), strings.HasSuffix(kind, "-video"), kind == "audio":
		return "webm"
	}
	return "mp4"
}

// own is the extension that a name has, without its dot; empty where what follows the last dot is none.
func own(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if ext == "" || extension(ext) != ext[1:] || !strings.ContainsFunc(ext, letter) {
		return ""
	}
	return ext[1:]
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' }

// AudioOnly picks the tracks of people's voices. What is heard from shared screens isn't among them: it is music and films,
// which those who want the voices alone (to have them written down, for one) have to take out again. A recording that is one
// file has no such tracks.
func AudioOnly(files []provider.RecordingFile) []provider.RecordingFile {
	var out []provider.RecordingFile
	for _, f := range files {
		kind, ext := f.Kind, path.Ext(cmp.Or(f.Key, f.Name))
		if n, ok := object.Track(f.Key); ok {
			kind, ext = n.Media, path.Ext(n.Ext)
		}
		if voice(kind) && ext != ".json" {
			out = append(out, f)
		}
	}
	return out
}

func voice(kind string) bool {
	return kind == "audio" || strings.HasSuffix(kind, "-audio") && !strings.HasPrefix(kind, "screen-")
}
