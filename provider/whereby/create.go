package whereby

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// createBody is the body of POST /meetings.
type createBody struct {
	IsLocked        bool           `json:"isLocked"`
	RoomNamePrefix  string         `json:"roomNamePrefix"`
	RoomNamePattern string         `json:"roomNamePattern"`
	RoomMode        string         `json:"roomMode"`
	EndDate         string         `json:"endDate"`
	Fields          []string       `json:"fields"`
	Recording       *recordingBody `json:"recording,omitempty"`
}

// recordingBody describes a meeting's recording. The destination is required, and not nested.
type recordingBody struct {
	Type         string      `json:"type"`
	Destination  destination `json:"destination"`
	StartTrigger string      `json:"startTrigger"`
}

// destination carries the bucket's key. Requests with it are never logged, and its values are hidden in errors.
type destination struct {
	Provider           string `json:"provider"`
	AuthenticationType string `json:"authenticationType,omitempty"`
	Bucket             string `json:"bucket,omitempty"`
	AccessKeyID        string `json:"accessKeyId,omitempty"`
	AccessKeySecret    string `json:"accessKeySecret,omitempty"`
	OIDCRoleARN        string `json:"oidcRoleArn,omitempty"`
	FileFormat         string `json:"fileFormat,omitempty"`
}

// peopleInNormal is the size of a room in the mode "normal"; "group" has 200.
const peopleInNormal = 4

// prefixLimit is the maximum length of a roomNamePrefix.
const prefixLimit = 39

// body returns the request for a meeting.
func (p *Provider) body(s provider.MeetingSpec) createBody {
	b := createBody{
		IsLocked: s.Locked, RoomNamePrefix: prefix(s.Room), RoomNamePattern: "uuid", RoomMode: "group",
		EndDate: iso(s.Until), Fields: []string{"hostRoomUrl"},
	}
	if s.Size > 0 && s.Size <= peopleInNormal {
		b.RoomMode = "normal"
	}
	if s.Recording == provider.RecordingLocal || s.Recording == provider.RecordingCloud {
		b.Recording = &recordingBody{
			Type: string(s.Recording), StartTrigger: string(cmp.Or(s.Trigger, provider.TriggerNone)), Destination: destination{Provider: "whereby"},
		}
		if s.Recording == provider.RecordingCloud {
			b.Recording.Destination = p.destination()
		}
	}
	return b
}

// reads reports whether the account's bucket is read-only: there are no keys for Whereby.
func (p *Provider) reads() bool {
	t := p.account.Recording
	return t.Bucket != "" && t.RoleARN == "" && t.AccessKeyID == "" && t.AccessKeySecret == ""
}

// destination returns the account's bucket if Whereby can write to it, else Whereby's own storage.
func (p *Provider) destination() destination {
	t := p.account.Recording
	d := destination{Provider: "s3", Bucket: t.Bucket, FileFormat: "mp4"}
	switch {
	case t.Bucket == "", p.reads():
		return destination{Provider: "whereby", FileFormat: "mp4"}
	case t.AccessKeyID == "" && t.RoleARN != "":
		d.AuthenticationType, d.OIDCRoleARN = "roleBased", t.RoleARN
	default:
		d.AuthenticationType, d.AccessKeyID, d.AccessKeySecret = "accessKey", t.AccessKeyID, t.AccessKeySecret
	}
	return d
}

// prefix converts a room's name to the beginning of Whereby's: lower case, no space, at most 39 bytes, and a hyphen at its end.
func prefix(room string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(room) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			b.WriteRune(r)
		case b.Len() > 0:
			b.WriteByte('-')
		}
	}
	s := b.String()
	s = strings.TrimRight(s[:min(len(s), prefixLimit-1)], "-")
	return cmp.Or(s, "room") + "-"
}

// CreateMeeting creates a meeting, whose name begins with s.Room. If the answer is lost, the call is not repeated, since the room, if it
// exists, can't be found; the error describes that the room expires.
func (p *Provider) CreateMeeting(ctx context.Context, s provider.MeetingSpec) (provider.Meeting, error) {
	const op = "create meeting"
	var o meetingObject
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: s.Room, Method: http.MethodPost, Path: "/meetings", In: p.body(s), Out: &o, Cost: costWrite,
	})
	if err != nil && !errors.Is(err, rest.ErrMaybeDone) {
		return provider.Meeting{}, err
	}
	var m provider.Meeting
	if err == nil {
		m, err = p.meeting(op, o)
	}
	return m, inDoubt(err, s.Until)
}

// inDoubt adds to an error that a room may exist on the platform.
func inDoubt(err error, until time.Time) error {
	return provider.Amend(err, func(e *provider.Error) {
		e.Text += "; a room may still have been created: it expires an hour after " + until.UTC().Format(time.RFC3339)
	})
}
