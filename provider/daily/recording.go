package daily

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// recordingObject is a recording in Daily's lists. Daily documents type and never sends it.
type recordingObject struct {
	ID       rest.Text              `json:"id"`
	RoomName rest.Text              `json:"room_name"`
	StartTS  rest.Number            `json:"start_ts"`
	Status   rest.Text              `json:"status"`
	Type     rest.Text              `json:"type"`
	Duration rest.Number            `json:"duration"`
	S3Key    rest.Text              `json:"s3key"`
	Tracks   rest.List[trackObject] `json:"tracks"`
}

// trackObject is one file of raw tracks.
type trackObject struct {
	Type  rest.Text   `json:"type"`
	S3Key rest.Text   `json:"s3Key"`
	Size  rest.Number `json:"size"`
}

// Recordings lists a room's recordings, or with an empty room the domain's, newest first. The cursor is the id of the last
// recording of the previous page.
func (p *Provider) Recordings(ctx context.Context, room, cursor string) (provider.RecordingPage, error) {
	call := rest.Call{Op: "list recordings", Subject: room, Path: "/recordings", Query: url.Values{}, Class: classSlow}
	if room != "" {
		call.Query.Set("room_name", room)
	}
	list, next, err := page[recordingObject](ctx, p, call, cursor)
	out := provider.RecordingPage{Next: next}
	for _, r := range list {
		if r.ID == "" {
			return out, p.client.Malformed(call.Op, room, "a recording in the response has no id")
		}
		out.Recordings = append(out.Recordings, r.recording())
	}
	return out, err
}

// Recording reads one recording.
func (p *Provider) Recording(ctx context.Context, id string) (provider.Recording, error) {
	const op = "look up recording"
	r, err := p.readRecording(ctx, op, id)
	if err != nil {
		return provider.Recording{}, err
	}
	if string(r.ID) != id {
		return provider.Recording{}, p.client.Malformed(op, id, "the response is not the requested recording")
	}
	return r.recording(), nil
}

func (p *Provider) readRecording(ctx context.Context, op, id string) (recordingObject, error) {
	var r recordingObject
	err := p.client.Do(ctx, rest.Call{Op: op, Subject: id, Missing: rest.NoRecording, Method: http.MethodGet, Path: recordingPath(id, ""), Out: &r})
	return r, err
}

func (r recordingObject) recording() provider.Recording {
	out := provider.Recording{
		ID: r.ID.ID(), Room: r.RoomName.Room(), StartedAt: rest.Instant(r.StartTS.Value),
		Duration: r.Duration.Seconds(), Kind: recordingKind(r.Type, len(r.Tracks), r.S3Key),
		Files: files(r.Tracks, r.S3Key),
	}
	switch r.Status {
	case "in-progress":
		out.Status = "recording"
	case "canceled":
		out.Status = "failed"
	default:
		out.Status = "ready"
		if len(out.Files) == 0 {
			out.Status = "failed"
		}
	}
	return out
}

// recordingKind returns Daily's kind of a recording, or derives it from its content.
func recordingKind(word rest.Text, tracks int, key rest.Text) string {
	switch {
	case word == "raw-tracks", word == "" && tracks > 0:
		return "tracks"
	case strings.HasPrefix(string(word), "cloud"), word == "" && key != "":
		return "cloud"
	}
	return ""
}

// files lists a recording's files. Keys are kept even if no bucket is configured here: the Daily domain may have one.
func files(tracks []trackObject, key rest.Text) []provider.RecordingFile {
	var out []provider.RecordingFile
	for _, t := range tracks {
		key := t.S3Key.Name()
		if key == "" {
			continue
		}
		out = append(out, provider.RecordingFile{
			Name: path.Base(key), Kind: trackKind(t.Type.ID(), key), Size: max(t.Size.Int(), 0), Key: key,
		})
	}
	if len(out) == 0 && key != "" {
		k := key.Name()
		out = append(out, provider.RecordingFile{Name: path.Base(k), Kind: "video", Key: k})
	}
	return out
}

// trackKind returns the kind of a track. The media in its key ("cam-audio", "screen-video") is more precise than the type
// ("audio").
func trackKind(kind, key string) string {
	if n, ok := object.Daily(key); ok && n.Track() {
		return n.Media
	}
	return kind
}

// linked names the file after an older description's download_url. The link itself may carry a token and is not kept.
func linked(link rest.Text) []provider.RecordingFile {
	u, err := url.Parse(link.Clip(4 * rest.NameLimit))
	if link == "" || err != nil || u.Path == "" || u.Path == "/" {
		return nil
	}
	return []provider.RecordingFile{{Name: path.Base(u.Path), Kind: "video"}}
}
