package whereby

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// recordingObject is a recording in Whereby's lists.
type recordingObject struct {
	ID        rest.Text `json:"recordingId"`
	RoomName  rest.Text `json:"roomName"`
	Filename  rest.Text `json:"filename"`
	StartDate rest.Time `json:"startDate"`
	EndDate   rest.Time `json:"endDate"`
}

// Recordings lists a room's recordings, or with an empty room the account's, in Whereby's order, newest first. Whereby reports
// sizes only in megabytes, so files have none here.
func (p *Provider) Recordings(ctx context.Context, room, cursor string) (provider.RecordingPage, error) {
	const op = "list recordings"
	q := url.Values{}
	if room != "" {
		q.Set("roomName", "/"+room)
	}
	list, next, err := page[recordingObject](ctx, p, op, "/recordings", q, cursor)
	out := provider.RecordingPage{Next: next}
	for _, o := range list {
		if o.ID == "" {
			return provider.RecordingPage{}, p.client.Malformed(op, room, "a recording in the response has no id")
		}
		out.Recordings = append(out.Recordings, p.recording(o))
	}
	return out, err
}

// Recording reads one recording.
func (p *Provider) Recording(ctx context.Context, id string) (provider.Recording, error) {
	const op = "look up recording"
	var o recordingObject
	if err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: id, Missing: rest.NoRecording, Method: http.MethodGet, Path: recordingPath(id, ""), Out: &o, Cost: costRead,
	}); err != nil {
		return provider.Recording{}, err
	}
	if string(o.ID) != id {
		return provider.Recording{}, p.client.Malformed(op, id, "the response is not the requested recording")
	}
	return p.recording(o), nil
}

func (p *Provider) recording(o recordingObject) provider.Recording {
	file, began := o.Filename.Name(), o.StartDate.Time
	name, _ := object.Whereby(file)
	room := cmp.Or(o.RoomName.Room(), name.Room)
	if began.IsZero() {
		began = name.Start
	}
	r := provider.Recording{
		ID: o.ID.ID(), Room: room, Status: "ready", Kind: "cloud", StartedAt: began, Files: p.files(file),
	}
	switch {
	case o.EndDate.IsZero():
		r.Status = "recording"
	case o.EndDate.After(began) && !began.IsZero():
		r.Duration = o.EndDate.Sub(began)
	}
	return r
}

// files returns a recording's only file. Its key is known if it goes to the user's bucket, whose setting may include a folder:
// "bucket/sub/folder".
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
