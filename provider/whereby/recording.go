package whereby

import (
	"context"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// recordingObject is a recording as Whereby lists it.
type recordingObject struct {
	ID        rest.Text `json:"recordingId"`
	RoomName  rest.Text `json:"roomName"`
	Filename  rest.Text `json:"filename"`
	StartDate rest.Time `json:"startDate"`
	EndDate   rest.Time `json:"endDate"`
}

// Recordings lists a room's recordings, or with an empty room the account's, in Whereby's order, which is newest first.
// Whereby tells sizes in megabytes only, so that files have none here.
func (p *Provider) Recordings(ctx context.Context, room string, limit int) ([]provider.Recording, error) {
	const op = "list recordings"
	q := url.Values{}
	if room != "" {
		q.Set("roomName", "/"+room)
	}
	var out []provider.Recording
	if limit <= 0 {
		return out, nil
	}
	err := pages(ctx, p, op, "/recordings", q, func(o recordingObject) (bool, error) {
		if o.ID == "" {
			return false, p.client.Malformed(op, room, "a recording in the answer has no id")
		}
		out = append(out, p.recording(o))
		return len(out) < limit, nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (p *Provider) recording(o recordingObject) provider.Recording {
	file, began := o.Filename.Clip(nameLimit), o.StartDate.Time
	room, stamp := parseFilename(file)
	if o.RoomName != "" {
		room = roomName(o.RoomName)
	}
	if began.IsZero() {
		began = stamp
	}
	r := provider.Recording{
		ID: o.ID.Clip(idLimit), Room: room, Status: "ready", Kind: "cloud", StartedAt: began, Files: p.files(file),
	}
	switch {
	case o.EndDate.IsZero():
		r.Status = "recording"
	case o.EndDate.After(began) && !began.IsZero():
		r.Duration = o.EndDate.Sub(began)
	}
	return r
}

// files is a recording's one file. Its key is known when it goes to a bucket of the user's, whose setting may name a
// folder: "bucket/sub/folder".
func (p *Provider) files(name string) []provider.RecordingFile {
	if name == "" {
		return nil
	}
	f := provider.RecordingFile{Name: path.Base(name), Kind: "video"}
	if bucket := p.account.Recording.Bucket; bucket != "" {
		_, folder, _ := strings.Cut(bucket, "/")
		f.Key = strings.TrimPrefix(path.Join(folder, name), "/")
	}
	return []provider.RecordingFile{f}
}

// filename is "{room name}-{start}.mp4", the room without its slash.
var filename = regexp.MustCompile(`^(.+)-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)`)

// parseFilename reads the room and the start of a recording from the name of its file, as far as they are in it.
func parseFilename(name string) (room string, start time.Time) {
	m := filename.FindStringSubmatch(path.Base(name))
	if m == nil {
		return "", time.Time{}
	}
	return m[1], rest.ParseTime(m[2])
}
