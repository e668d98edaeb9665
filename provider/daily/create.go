package daily

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// createBody is the body of POST /rooms.
type createBody struct {
	Name       string         `json:"name"`
	Privacy    string         `json:"privacy"`
	Properties roomProperties `json:"properties"`
}

// roomProperties are the settings of our rooms. enable_recording is a word or omitted, never false.
type roomProperties struct {
	Exp               int64             `json:"exp,omitempty"` // 0 for a room that lasts
	MaxParticipants   int               `json:"max_participants,omitempty"`
	EnableKnocking    bool              `json:"enable_knocking,omitempty"`
	EnableChat        bool              `json:"enable_chat"`
	EnableScreenshare bool              `json:"enable_screenshare"`
	StartVideoOff     bool              `json:"start_video_off"`
	StartAudioOff     bool              `json:"start_audio_off"`
	EnableRecording   string            `json:"enable_recording,omitempty"`
	RecordingsBucket  *recordingsBucket `json:"recordings_bucket,omitempty"`
}

// recordingsBucket names a bucket and the role with which Daily writes to it; Daily accepts no access keys.
type recordingsBucket struct {
	Name           string `json:"bucket_name"`
	Region         string `json:"bucket_region"`
	RoleARN        string `json:"assume_role_arn"`
	AllowAPIAccess bool   `json:"allow_api_access"`
}

// defaultSize is Daily's default for the size of a room.
const defaultSize = 200

// defaultRegion is the default region of buckets.
const defaultRegion = "us-west-2"

// body returns the request for a room.
func (p *Provider) body(s provider.MeetingSpec) createBody {
	b := createBody{Name: s.Name, Privacy: "public", Properties: roomProperties{
		Exp: s.Until.Unix(), MaxParticipants: max(s.Size, 0), EnableChat: true, EnableScreenshare: true,
	}}
	if s.Locked {
		b.Privacy, b.Properties.EnableKnocking = "private", true
	}
	switch s.Recording {
	case provider.RecordingLocal:
		b.Properties.EnableRecording = "local"
	case provider.RecordingCloud:
		b.Properties.EnableRecording = "cloud"
		if p.recordingMode() == "raw-tracks" {
			b.Properties.EnableRecording = "raw-tracks"
		}
		if t := p.account.Recording; p.hasBucket() {
			b.Properties.RecordingsBucket = &recordingsBucket{t.Bucket, cmp.Or(t.Region, defaultRegion), t.RoleARN, true}
		}
	}
	return b
}

// hasBucket reports whether Daily can write to a bucket of the user's.
func (p *Provider) hasBucket() bool {
	return p.account.Recording.Bucket != "" && p.account.Recording.RoleARN != ""
}

// recordingMode returns the kind of cloud recordings on this account: raw-tracks, cloud or both. Raw tracks need a bucket.
func (p *Provider) recordingMode() string {
	if m := p.account.Recording.Mode; m != "" {
		return m
	}
	if p.hasBucket() {
		return "raw-tracks"
	}
	return "cloud"
}

// recordsCloud reports whether a token's start_cloud_recording applies: it starts Daily's own cloud recording, never raw tracks.
func (p *Provider) recordsCloud() bool { return p.recordingMode() != "raw-tracks" }

// creations is the number of attempts to create a room when answers get lost.
const creations = 3

// CreateMeeting creates a room of the given name. If an answer is lost, it looks the name up: a missing room is requested again;
// a room with exactly the requested settings is ours; any other belongs to someone else and is a [provider.Conflict], like a name
// that already existed.
func (p *Provider) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	return p.create(ctx, p.body(s), ", until "+s.Until.UTC().Format(time.RFC3339))
}

// create creates a room. doubtful ends the sentence about a room that may exist.
func (p *Provider) create(ctx context.Context, body createBody, doubtful string) (provider.Meeting, error) {
	const op = "create room"
	name := body.Name
	var doubt error // the latest failure after which the room may exist
	for n := 1; ; n++ {
		var r roomObject
		err := p.client.Do(ctx, rest.Call{
			Op: op, Subject: name, Method: http.MethodPost, Path: "/rooms", In: body, Out: &r,
		})
		exists := errors.Is(err, provider.Conflict) || provider.Says(err, "already exists")
		switch {
		case err == nil && string(r.Name) == name:
			return p.meeting(op, r)
		case err == nil:
			err = p.client.Malformed(op, name, "the response is not the requested room")
			doubt = err
		case errors.Is(err, rest.ErrMaybeDone):
			doubt = err
		case doubt == nil && exists:
			return provider.Meeting{}, p.conflict(name)
		case doubt == nil && !errors.Is(err, provider.Invalid):
			return provider.Meeting{}, err
		}
		// Daily has one code for names that exist and for invalid names: without the words, the name is looked up.
		found, lookErr := p.room(ctx, name)
		switch {
		case lookErr == nil && doubt != nil && isOurs(found, body):
			return p.meeting(op, found)
		case lookErr == nil:
			return provider.Meeting{}, p.conflict(name)
		case doubt == nil:
			return provider.Meeting{}, err
		case errors.Is(lookErr, provider.NotFound) && n >= creations && exists:
			return provider.Meeting{}, p.conflict(name)
		case errors.Is(lookErr, provider.NotFound) && errors.Is(err, provider.Invalid) && !exists:
			return provider.Meeting{}, err
		}
		if !errors.Is(lookErr, provider.NotFound) || n >= creations || p.client.Backoff(ctx, n) != nil {
			return provider.Meeting{}, provider.Amend(doubt, func(e *provider.Error) {
				e.Text += "; the room may still have been created" + doubtful
			})
		}
	}
}

func (p *Provider) conflict(name string) error {
	return p.client.Refuse(provider.Conflict, "create room", name, "a room of that name already exists", "")
}

// isOurs reports whether an existing room has exactly the requested settings.
func isOurs(r roomObject, want createBody) bool {
	limit, wanted := cmp.Or(r.Config.MaxParticipants.Int(), defaultSize), cmp.Or(int64(want.Properties.MaxParticipants), defaultSize)
	return string(r.Name) == want.Name && string(r.Privacy) == want.Privacy &&
		r.Config.Exp.Int() == want.Properties.Exp && bool(r.Config.EnableKnocking) == want.Properties.EnableKnocking && limit == wanted
}
