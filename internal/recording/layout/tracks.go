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
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/provider/object"
)

// Track is one file of a recording that has several.
type Track struct {
	// File is its name within the recording's folder.
	File string `json:"file"`
	// Kind is the media: "cam-audio", "screen-video" …
	Kind string `json:"kind"`
	// Session is the participant's, empty when unknown. Name is the participant's own choice: untrusted text.
	Session string `json:"session,omitempty"`
	Name    string `json:"name,omitempty"`
	// UserID is the participant's on the platform, or by the token that they joined with; empty when unknown.
	UserID string `json:"user_id,omitempty"`
	// OffsetS is the time in seconds from the recording's start to the track's, null if the key doesn't have it.
	OffsetS *float64 `json:"offset_s"`
	// Size is in bytes, SHA256 in hexadecimal; zero and empty until the file is downloaded.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
}

// Tracks names a recording's files, in their order: tracks by kind and participant, "cam-audio-Ada.webm", other files by their own
// names. names maps sessions, in lower case, to participants' names. Equal names are numbered by offset, so that the same files always
// get the same names.
//
// Participant and offset come from a track's key alone, see package object. A file beside a track, such as "….event.json", is named
// like the track.
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
	stable.Sort(order, func(a, b int) int {
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

// fold returns a name as file systems that ignore case compare it.
func fold(name string) string { return norm.NFC.String(strings.ToLower(norm.NFD.String(name))) }

func offset(t Track) float64 {
	if t.OffsetS == nil {
		return 0
	}
	return *t.OffsetS
}

// nameOf returns a file's name in two parts, the second of which is never cut, and fills in the track's fields from its key.
func nameOf(f provider.RecordingFile, t *Track, names map[string]string) (stem, end string) {
	n, ok := object.Track(f.Key)
	if !ok {
		base := cmp.Or(f.Name, path.Base(f.Key))
		stem = base
		if own(base) != "" {
			stem = strings.TrimSuffix(base, path.Ext(base))
		}
		return cmp.Or(clean(stem), "unknown"), "." + Extension(base, f.Kind)
	}
	t.Kind, t.Session, t.Name = n.Media, n.Participant, names[n.Participant]
	s := n.Offset().Round(time.Millisecond).Seconds()
	t.OffsetS = &s
	who := cmp.Or(clean(t.Name), plain.Cut(n.Participant, 8))
	beside := clean(strings.TrimSuffix(n.Ext, path.Ext(n.Ext)))
	return clean(n.Media) + "-" + who, plain.Cut(beside, 32) + "." + Extension(path.Ext(n.Ext), n.Media)
}

// Extension returns the extension for a file, without a dot: the name's, or the usual one of the kind. Daily's raw tracks are WebM and
// have no extension.
func Extension(name, kind string) string {
	if ext := own(name); ext != "" {
		return ext
	}
	if strings.HasSuffix(kind, "-audio") || strings.HasSuffix(kind, "-video") || kind == "audio" {
		return "webm"
	}
	return "mp4"
}

// own returns the extension of a name, without its dot; empty if it has none.
func own(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if ext == "" || extension(ext) != ext[1:] || !strings.ContainsFunc(ext, letter) {
		return ""
	}
	return ext[1:]
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' }

// AudioOnly returns the tracks of people's voices, without the audio of shared screens: that is music and films, which are of no use
// for transcription. A recording in one file has no such tracks.
func AudioOnly(files []provider.RecordingFile) []provider.RecordingFile {
	return slices.DeleteFunc(slices.Clone(files), func(f provider.RecordingFile) bool {
		kind, ext := f.Kind, path.Ext(cmp.Or(f.Key, f.Name))
		if n, ok := object.Track(f.Key); ok {
			kind, ext = n.Media, path.Ext(n.Ext)
		}
		voice := kind == "audio" || strings.HasSuffix(kind, "-audio") && !strings.HasPrefix(kind, "screen-")
		return !voice || ext == ".json"
	})
}
