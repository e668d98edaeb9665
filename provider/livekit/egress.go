package livekit

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/provider/object"
	"greenroom/provider/rest"
)

// egressObject is one recording process: of a whole room, or of one track.
type egressObject struct {
	ID        rest.Text             `json:"egress_id"`
	IDC       rest.Text             `json:"egressId"`
	Room      rest.Text             `json:"room_name"`
	RoomC     rest.Text             `json:"roomName"`
	RoomSid   rest.Text             `json:"room_id"`
	RoomSidC  rest.Text             `json:"roomId"`
	Status    rest.Text             `json:"status"`
	Started   rest.Number           `json:"started_at"`
	StartedC  rest.Number           `json:"startedAt"`
	Ended     rest.Number           `json:"ended_at"`
	EndedC    rest.Number           `json:"endedAt"`
	Error     rest.Text             `json:"error"`
	Details   rest.Text             `json:"details"`
	Files     rest.List[fileObject] `json:"file_results"`
	FilesC    rest.List[fileObject] `json:"fileResults"`
	File      fileObject            `json:"file"`
	Composite *compositeRequest     `json:"room_composite"`
	CompositC *compositeRequest     `json:"roomComposite"`
	Track     *trackRequest         `json:"track"`
}

// fileObject is a file that egress wrote.
type fileObject struct {
	Name      rest.Text   `json:"filename"`
	Location  rest.Text   `json:"location"`
	Size      rest.Number `json:"size"`
	Duration  rest.Number `json:"duration"`
	Started   rest.Number `json:"started_at"`
	StartedAt rest.Number `json:"startedAt"`
}

// UnmarshalJSON never fails.
func (f *fileObject) UnmarshalJSON(b []byte) error {
	m := lenientMap(b)
	number := func(names ...string) (n rest.Number) {
		for _, name := range names {
			if !n.Given {
				_ = n.UnmarshalJSON([]byte(m[name]))
			}
		}
		return n
	}
	*f = fileObject{
		Name: m["filename"], Location: m["location"], Size: number("size"), Duration: number("duration"),
		Started: number("started_at", "startedAt"),
	}
	return nil
}

// compositeRequest is the request that a recording of a whole room was started with.
type compositeRequest struct {
	Outputs  rest.List[outputObject] `json:"file_outputs"`
	OutputsC rest.List[outputObject] `json:"fileOutputs"`
	File     outputObject            `json:"file"`
}

// trackRequest is the request that a recording of one track was started with.
type trackRequest struct {
	Track  rest.Text    `json:"track_id"`
	TrackC rest.Text    `json:"trackId"`
	File   outputObject `json:"file"`
}

// outputObject is the requested destination of a file. Its keys are secrets, and are not read.
type outputObject struct{ Path rest.Text }

// UnmarshalJSON never fails.
func (o *outputObject) UnmarshalJSON(b []byte) error {
	o.Path = lenientMap(b)["filepath"]
	return nil
}

// The states of egress.
const (
	egressStarting = iota
	egressActive
	egressEnding
	egressComplete
	egressFailed
	egressAborted
	egressLimit
	egressUnknown
)

var egressStates = []rest.Text{
	"EGRESS_STARTING", "EGRESS_ACTIVE", "EGRESS_ENDING", "EGRESS_COMPLETE", "EGRESS_FAILED", "EGRESS_ABORTED", "EGRESS_LIMIT_REACHED",
}

func (e egressObject) state() int {
	if e.Status == "" {
		return egressStarting
	}
	if i := slices.Index(egressStates, e.Status); i >= 0 {
		return i
	}
	if len(e.Status) == 1 && e.Status[0] >= '0' && e.Status[0] <= '6' {
		return int(e.Status[0] - '0')
	}
	return egressUnknown
}

// running reports whether egress is recording or starting.
func (e egressObject) running() bool { return e.state() < egressEnding }

func (e egressObject) id() string   { return cmp.Or(e.ID, e.IDC).ID() }
func (e egressObject) room() string { return cmp.Or(e.Room, e.RoomC).Name() }
func (e egressObject) tracks() bool { return e.Track != nil }

// path returns the requested name of the file.
func (e egressObject) path() string {
	for _, r := range []*compositeRequest{e.Composite, e.CompositC} {
		if r == nil {
			continue
		}
		for _, o := range append(append(r.Outputs, r.OutputsC...), r.File) {
			if o.Path != "" {
				return o.Path.Name()
			}
		}
	}
	if e.Track != nil {
		return e.Track.File.Path.Name()
	}
	return ""
}

// instance returns the instance under which the recording was started here, or "" if it was started elsewhere.
func (e egressObject) instance() string {
	_, instance, _ := parsePath(e.path())
	return instance
}

// recordingID returns the id of the process's recording: its own for a whole room, a common one for tracks that were started together.
func (e egressObject) recordingID() string {
	if !e.tracks() {
		return e.id()
	}
	if start, instance, ok := parsePath(e.path()); ok {
		return tracksID(start, instance)
	}
	return "tracks-" + cmp.Or(e.RoomSid, e.RoomSidC).ID()
}

func (e egressObject) startedAt() time.Time {
	t := nanoseconds(pick(e.Started, e.StartedC))
	if t.IsZero() {
		for _, f := range e.files() {
			if t = nanoseconds(f.Started); !t.IsZero() {
				return t
			}
		}
	}
	return t
}

func (e egressObject) duration() time.Duration {
	var longest time.Duration
	for _, f := range e.files() {
		if n := f.Duration.Value; n > 0 && n < float64(366*24*time.Hour) {
			longest = max(longest, time.Duration(n))
		}
	}
	from, to := e.startedAt(), nanoseconds(pick(e.Ended, e.EndedC))
	if longest == 0 && !from.IsZero() && to.After(from) {
		longest = to.Sub(from)
	}
	return longest
}

// files lists the files that were written. Servers report the same file in up to three fields.
func (e egressObject) files() []fileObject {
	var out []fileObject
	for _, f := range append(append(slices.Clone(e.Files), e.FilesC...), e.File) {
		known := slices.ContainsFunc(out, func(o fileObject) bool { return o.Name == f.Name && o.Location == f.Location })
		if (f.Name != "" || f.Location != "") && !known {
			out = append(out, f)
		}
	}
	return out
}

// recordingFiles lists the files with their keys. Egress names its files when it starts: a file without a size was not written.
func (e egressObject) recordingFiles() []provider.RecordingFile {
	var out []provider.RecordingFile
	for _, f := range e.files() {
		key := f.key()
		if key == "" || f.Size.Value <= 0 && e.state() > egressComplete {
			continue
		}
		kind := "video"
		if e.tracks() {
			kind = mediaOf(key)
		}
		out = append(out, provider.RecordingFile{Name: path.Base(key), Kind: kind, Size: max(f.Size.Int(), 0), Key: key})
	}
	return out
}

// key returns the file's key in its bucket. Servers report it as the name, or only as a part of the location.
func (f fileObject) key() string {
	name, location := f.Name.Name(), f.Location.Name()
	if name == "" {
		u, err := url.Parse(location)
		if err != nil {
			return ""
		}
		name = u.Path
	}
	return strings.TrimLeft(name, "/")
}

// mediaOf returns the media of a track's file.
func mediaOf(key string) string {
	if n, ok := object.LiveKit(key); ok && n.Track() {
		return n.Media
	}
	switch strings.ToLower(path.Ext(key)) {
	case ".ogg", ".mp3", ".m4a", ".opus":
		return "audio"
	}
	return "video"
}

// status returns the state in the common words. A recording that reached a limit or was aborted is ready if it has files.
func (e egressObject) status() string {
	switch s := e.state(); {
	case s < egressEnding:
		return "recording"
	case s == egressEnding:
		return "processing"
	case s == egressComplete, s != egressFailed && len(e.recordingFiles()) > 0:
		return "ready"
	}
	return "failed"
}

// failure returns why a recording failed, or "".
func (e egressObject) failure() string {
	if e.status() != "failed" {
		return ""
	}
	if why := cmp.Or(e.Error, e.Details).Name(); why != "" {
		return why
	}
	switch e.state() {
	case egressAborted:
		return "the recording was aborted before it began"
	case egressLimit:
		return "a limit of the egress service was reached"
	}
	return "the egress service failed"
}

// readEgress parses an event of egress. Those of tracks only show that a recording runs; only the list shows that all tracks are
// complete.
func readEgress(e provider.Event, name rest.Text, in egressObject) (provider.Event, string) {
	if e.Room == "" {
		e.Room, e.MeetingID = in.room(), cmp.Or(in.RoomSid, in.RoomSidC).ID()
	}
	if in.id() == "" {
		return e, "the event doesn't name an egress"
	}
	if in.Composite == nil && in.CompositC == nil && in.Track == nil {
		return e, "" // a stream, or a kind of recording that Greenroom doesn't make
	}
	kind := "cloud"
	if in.tracks() {
		kind = "tracks"
	}
	rec := provider.RecordingEvent{ID: in.recordingID(), Instance: in.instance(), Kind: kind, StartedAt: in.startedAt()}
	switch status := in.status(); {
	case status == "recording", in.tracks() && name == "egress_started":
		e.Kind = provider.KindRecordingStarted
	case in.tracks():
		return e, ""
	case status == "ready" && name == "egress_ended":
		e.Kind = provider.KindRecordingReady
		rec.Duration, rec.Files = in.duration(), in.recordingFiles()
	case status == "failed" && name == "egress_ended":
		e.Kind, rec.Error = provider.KindRecordingFailed, in.failure()
	default:
		return e, ""
	}
	e.Recording = &rec
	return e, ""
}

// egressPages limits the pages of a list.
const egressPages = 100

// listEgress lists the egress that the server remembers: of one room or of all, or one by its id.
func (p *Provider) listEgress(ctx context.Context, op, room, id string, active bool) ([]egressObject, error) {
	type page struct {
		Token string `json:"token,omitempty"`
	}
	in := struct {
		Room   string `json:"room_name,omitempty"`
		ID     string `json:"egress_id,omitempty"`
		Active bool   `json:"active,omitempty"`
		Page   *page  `json:"page_token,omitempty"`
	}{room, id, active, nil}
	var all []egressObject
	for range egressPages {
		var out struct {
			Items *[]egressObject `json:"items"`
			Next  pageToken       `json:"next_page_token"`
			NextC pageToken       `json:"nextPageToken"`
		}
		err := p.do(ctx, call{op: op, subject: cmp.Or(id, room), method: "Egress/ListEgress", in: in, out: &out, repeat: true})
		if err != nil {
			return nil, explainEgress(err)
		}
		if out.Items == nil {
			return nil, p.client.Malformed(op, room, "the response has no list of egresses")
		}
		for _, e := range *out.Items {
			if e.id() == "" {
				return nil, p.client.Malformed(op, room, "an egress in the response has no id")
			}
			if room == "" || e.room() == room {
				all = append(all, e)
			}
		}
		next := cmp.Or(out.Next.Token, out.NextC.Token)
		if next == "" {
			return all, nil
		}
		if in.Page != nil && in.Page.Token == next {
			break
		}
		in.Page = &page{next}
	}
	return nil, p.client.Malformed(op, room, "the list of egresses never ends")
}

type pageToken struct{ Token string }

// UnmarshalJSON never fails.
func (t *pageToken) UnmarshalJSON(b []byte) error {
	t.Token = string(lenientMap(b)["token"])
	return nil
}

// errNoEgress means that the server has no egress service: it can't record, and everything else works.
var errNoEgress = errors.New("no egress service runs")

// explainEgress returns [errNoEgress] with advice for a server's errors about a missing egress service, and other errors unchanged.
func explainEgress(err error) error {
	if provider.Says(err, "egress not connected", "no response from servers", "no egress") {
		return withoutService(err)
	}
	return err
}

// withoutService returns the error of a call that found no egress service.
func withoutService(err error) error {
	return provider.Amend(err, func(e *provider.Error) {
		e.Kind, e.Text, e.Err = provider.Unsupported, "no egress service runs, so nothing can be recorded", errNoEgress
		e.Hint = "run LiveKit's egress service, connected to the same Redis as the server"
	})
}

// Recordings lists the recordings that the server remembers, newest first, in one page. Those of tracks that were started together
// are one. A server without egress has none.
func (p *Provider) Recordings(ctx context.Context, room, _ string) (provider.RecordingPage, error) {
	list, err := p.listEgress(ctx, "list recordings", room, "", false)
	if errors.Is(err, errNoEgress) {
		return provider.RecordingPage{}, nil
	}
	return provider.RecordingPage{Recordings: gather(list)}, err
}

// Recording reads one recording.
func (p *Provider) Recording(ctx context.Context, id string) (provider.Recording, error) {
	const op = "look up recording"
	if id == "" {
		return provider.Recording{}, p.client.Refuse(provider.Invalid, op, "", rest.NoRecording, "")
	}
	egress := id
	if !strings.HasPrefix(id, "EG_") {
		egress = "" // the id of tracks is Greenroom's
	}
	list, err := p.listEgress(ctx, op, "", egress, false)
	if err != nil && !errors.Is(err, errNoEgress) {
		return provider.Recording{}, err
	}
	for _, r := range gather(list) {
		if r.ID == id {
			return r, nil
		}
	}
	return provider.Recording{}, p.client.Refuse(provider.NotFound, op, id, "the server doesn't know this recording", "")
}

// gather converts egress to recordings, newest first.
func gather(list []egressObject) []provider.Recording {
	stable.Sort(list, func(a, b egressObject) int {
		return cmp.Or(a.startedAt().Compare(b.startedAt()), cmp.Compare(a.id(), b.id()))
	})
	var out []provider.Recording
	at := map[string]int{}
	for _, e := range list {
		if e.Composite == nil && e.CompositC == nil && e.Track == nil {
			continue
		}
		r := provider.Recording{
			ID: e.recordingID(), Room: e.room(), Status: e.status(), Kind: "cloud", StartedAt: e.startedAt(),
			Duration: e.duration(), Files: e.recordingFiles(),
		}
		if !e.tracks() {
			out = append(out, r)
			continue
		}
		r.Kind = "tracks"
		i, more := at[r.ID]
		if !more {
			at[r.ID] = len(out)
			out = append(out, r)
			continue
		}
		all := &out[i]
		all.Files = append(all.Files, r.Files...)
		all.Duration = max(all.Duration, r.StartedAt.Add(r.Duration).Sub(all.StartedAt))
		all.Status = earlier(all.Status, r.Status)
	}
	slices.Reverse(out)
	return out
}

// earlier returns the state of a recording with parts in two states. A failed part doesn't fail the others.
func earlier(a, b string) string {
	for _, s := range []string{"recording", "processing", "ready"} {
		if a == s || b == s {
			return s
		}
	}
	return a
}
