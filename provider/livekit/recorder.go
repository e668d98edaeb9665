package livekit

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

const (
	// startTime limits a start: a server without an egress service needs 22 seconds to report that.
	startTime = 40 * time.Second
	// doubtTime is how long after a lost answer a recording may appear in the list. Until then nothing is started.
	doubtTime = time.Minute
)

// The kinds of a recording.
const (
	kindComposite = "cloud"
	kindTracks    = "raw-tracks"
)

// RecordingKinds returns the kinds by the account's mode: one file of the whole room, a file per track, or both.
func (p *Provider) RecordingKinds() []string {
	switch p.account.Recording.Mode {
	case "tracks":
		return []string{kindTracks}
	case "both":
		return []string{kindComposite, kindTracks}
	}
	return []string{kindComposite}
}

// s3Output is the bucket that egress writes to.
type s3Output struct {
	AccessKey string `json:"access_key,omitempty"`
	Secret    string `json:"secret,omitempty"`
	Region    string `json:"region,omitempty"`
	Endpoint  string `json:"endpoint,omitempty"`
	Bucket    string `json:"bucket"`
	PathStyle bool   `json:"force_path_style,omitempty"`
}

// output is the file of one process.
type output struct {
	Type string   `json:"file_type,omitempty"`
	Path string   `json:"filepath"`
	S3   s3Output `json:"s3"`
}

// hook is a webhook for one process, signed with one of the server's keys.
type hook struct {
	URL string `json:"url"`
	Key string `json:"signing_key"`
}

type compositeBody struct {
	Room    string   `json:"room_name"`
	Layout  string   `json:"layout,omitempty"`
	Outputs []output `json:"file_outputs"`
	Hooks   []hook   `json:"webhooks,omitempty"`
}

type trackBody struct {
	Room  string `json:"room_name"`
	Track string `json:"track_id"`
	File  output `json:"file"`
	Hooks []hook `json:"webhooks,omitempty"`
}

func (p *Provider) output(path, kind string) output {
	t := p.account.Recording
	return output{Type: kind, Path: path, S3: s3Output{
		AccessKey: t.AccessKeyID, Secret: t.AccessKeySecret, Region: t.Region, Endpoint: t.Endpoint, Bucket: t.Bucket,
		PathStyle: t.PathStyle,
	}}
}

// StartRecording starts a recording under an instance, which is in the names of its files. It lists the running processes first, so that
// none is started twice, even after a start whose answer was lost.
func (p *Provider) StartRecording(ctx context.Context, m provider.Meeting, s provider.RecordingStart) error {
	const op = "start recording of room"
	if m.Room == "" || s.Kind == "" || s.Instance == "" {
		return p.client.Refuse(provider.Invalid, op, m.Room, "room, kind or instance is missing", "")
	}
	if p.account.Recording.Bucket == "" {
		return p.client.Refuse(provider.Invalid, op, m.Room, "LiveKit records into your own bucket, but none is set",
			"set "+p.account.Setting(variableBucket, "bucket")+" and its keys")
	}
	defer p.names.lock("record " + m.Room)()
	running, err := p.mine(ctx, op, m, s)
	if err != nil {
		return err
	}
	if len(running) > 0 && s.Kind == kindComposite {
		return nil
	}
	people, err := p.people(ctx, op, m.Room)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		if _, err := p.room(ctx, op, m.Room); err != nil {
			return err
		}
		return p.notReady(op, m.Room, "no one is in the room")
	}
	if err := p.inDoubtOf(op, m.Room, s.Instance); err != nil {
		return err
	}
	now := p.client.Now()
	if s.Kind == kindTracks {
		return p.startTracks(ctx, op, m, s, running, people, now)
	}
	body := compositeBody{
		Room: m.Room, Layout: "grid", Outputs: []output{p.output(wholePath(m.Room, now, s.Instance), "MP4")}, Hooks: p.hooks(s),
	}
	return p.start(ctx, op, m, s, "Egress/StartRoomCompositeEgress", body)
}

// hooks returns the webhook of a recording, if it has one.
func (p *Provider) hooks(s provider.RecordingStart) []hook {
	if s.HookURL == "" {
		return nil
	}
	return []hook{{s.HookURL, p.account.APIKey}}
}

func (p *Provider) notReady(op, room, text string) error {
	return p.client.Refuse(provider.NotReady, op, room, text, "a recording can start once someone is in the meeting")
}

// startTracks starts a process for each track that isn't being recorded yet.
func (p *Provider) startTracks(
	ctx context.Context, op string, m provider.Meeting, s provider.RecordingStart, running []egressObject,
	people []participantObject, now time.Time,
) error {
	recorded := map[rest.Text]bool{}
	start := now
	for _, e := range running {
		recorded[e.Track.Track], recorded[e.Track.TrackC] = true, true
		if at, _, ok := parsePath(e.path()); ok {
			start = at // the recording is running, and these are further tracks
		}
	}
	n := 0
	for _, who := range people {
		for _, t := range who.Tracks {
			if who.bot() || t.Sid == "" || !t.audio() && !t.video() {
				continue
			}
			n++
			if recorded[t.Sid] {
				continue
			}
			body := trackBody{
				Room: m.Room, Track: string(t.Sid), Hooks: p.hooks(s),
				File: p.output(trackPath(m.Room, start, s.Instance, string(who.Sid), t.media(), now), ""),
			}
			if err := p.start(ctx, op, m, s, "Egress/StartTrackEgress", body); err != nil {
				return err
			}
		}
	}
	if n == 0 {
		return p.notReady(op, m.Room, "no one is sending audio or video")
	}
	return nil
}

// start starts one process. If the answer is lost, the list shows whether the recording runs.
func (p *Provider) start(ctx context.Context, op string, m provider.Meeting, s provider.RecordingStart, method string, body any) error {
	var out egressObject
	err := p.do(ctx, call{
		op: op, subject: m.Room, method: method, in: body, out: &out, timeout: startTime, ownError: true,
	})
	if err == nil {
		if out.id() == "" {
			err = p.client.Malformed(op, m.Room, "the response doesn't name an egress")
			p.doubt(s.Instance)
		}
		return err
	}
	if explained := explainEgress(err); errors.Is(explained, errNoEgress) {
		return explained
	}
	if !errors.Is(err, rest.ErrMaybeDone) {
		return err
	}
	p.doubt(s.Instance)
	if s.Kind == kindComposite {
		if running, listErr := p.mine(context.WithoutCancel(ctx), op, m, s); listErr == nil && len(running) > 0 {
			return nil
		}
	}
	return err
}

// doubt records that a recording may have started, or may still start.
func (p *Provider) doubt(instance string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doubts[instance] = p.client.Now()
}

// inDoubtOf returns an error while a recording may still start after a lost answer.
func (p *Provider) inDoubtOf(op, room, instance string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, doubted := p.doubts[instance]
	if !doubted {
		return nil
	}
	if left := doubtTime - p.client.Now().Sub(at); left > 0 {
		return p.client.Refuse(provider.Unavailable, op, room,
			fmt.Sprintf("the response to an earlier start was lost; the recording may still begin within %s", left.Round(time.Second)), "")
	}
	delete(p.doubts, instance)
	return nil
}

// mine lists the running processes of an instance or, if that is empty, of a kind.
func (p *Provider) mine(ctx context.Context, op string, m provider.Meeting, s provider.RecordingStart) ([]egressObject, error) {
	list, err := p.listEgress(ctx, op, m.Room, "", true)
	if err != nil {
		return nil, err
	}
	var out []egressObject
	for _, e := range list {
		if e.running() && e.tracks() == (s.Kind == kindTracks) && (s.Instance == "" || e.instance() == s.Instance) {
			out = append(out, e)
		}
	}
	return out, nil
}

// StopRecording stops the processes of an instance or, if that is empty, of a kind.
func (p *Provider) StopRecording(ctx context.Context, m provider.Meeting, s provider.RecordingStart) error {
	const op = "stop recording of room"
	if m.Room == "" || s.Kind == "" {
		return p.client.Refuse(provider.Invalid, op, m.Room, "room or kind is missing", "")
	}
	defer p.names.lock("record " + m.Room)()
	running, err := p.mine(ctx, op, m, s)
	if errors.Is(err, errNoEgress) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range running {
		in := struct {
			ID string `json:"egress_id"`
		}{e.id()}
		err := p.do(ctx, call{op: op, subject: m.Room, method: "Egress/StopEgress", in: in, repeat: true, ownError: true, gone: true})
		if err == nil {
			continue
		}
		code := ""
		if why, ok := errors.AsType[*provider.Error](err); ok {
			code = why.Code
		}
		switch {
		case code == "failed_precondition" && e.state() == egressStarting:
			return p.client.Refuse(provider.NotReady, op, m.Room, "the recording is still starting and can't be stopped yet", "try again in a moment")
		case code == "failed_precondition": // it has ended meanwhile
		case code == "deadline_exceeded":
			return provider.Amend(err, func(e *provider.Error) {
				e.Text = "the egress service that records it does not answer"
				e.Hint = "if the service was killed, the recording ended with it, unfinished"
			})
		default:
			return explainEgress(err)
		}
	}
	return nil
}

// The names of files: "{room}/{start}-{instance}.mp4" for a whole room, "{room}/{start}-{instance}/{participant}-{media}-{start of
// the track}" for a track, to which egress adds the extension. Times are milliseconds since 1970.
var pathName = regexp.MustCompile(`(?:^|/)(\d{12,14})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|\.|$)`)

func wholePath(room string, start time.Time, instance string) string {
	return fmt.Sprintf("%s/%s.mp4", folder(room), tracksID(start, instance))
}

func trackPath(room string, start time.Time, instance, participant, media string, from time.Time) string {
	return fmt.Sprintf("%s/%s/%s-%s-%d", folder(room), tracksID(start, instance), participant, media, from.UnixMilli())
}

// tracksID returns the common id of tracks that were started together.
func tracksID(start time.Time, instance string) string {
	return strconv.FormatInt(start.UnixMilli(), 10) + "-" + instance
}

// folder returns a room's name as a folder's. Egress would expand braces.
func folder(room string) string {
	return strings.NewReplacer("{", "_", "}", "_", "/", "_", `\`, "_").Replace(room)
}

// parsePath parses the name of a file that was started here.
func parsePath(path string) (start time.Time, instance string, ok bool) {
	m := pathName.FindStringSubmatch(path)
	if m == nil {
		return time.Time{}, "", false
	}
	ms, err := strconv.ParseInt(m[1], 10, 64)
	return time.UnixMilli(ms).UTC(), m[2], err == nil
}
