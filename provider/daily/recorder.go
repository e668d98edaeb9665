package daily

import (
	"context"
	"errors"
	"net/http"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// recordingBody is the body of starting and stopping a recording. Stopping raw tracks needs the type.
type recordingBody struct {
	Type     string `json:"type"`
	Instance string `json:"instanceId,omitempty"`
}

// RecordingKinds returns the kinds by the account's mode; the default is raw tracks with a bucket, otherwise Daily's own cloud.
func (p *Provider) RecordingKinds() []string {
	switch p.recordingMode() {
	case "raw-tracks":
		return []string{"raw-tracks"}
	case "both":
		return []string{"cloud", "raw-tracks"}
	}
	return []string{"cloud"}
}

// StartRecording starts a recording under the given instance, regardless of the room's enable_recording. If this instance already
// has an active stream, the start has succeeded, so the call is safe to repeat.
func (p *Provider) StartRecording(ctx context.Context, m provider.Meeting, s provider.RecordingStart) error {
	const op = "start recording of room"
	if m.Room == "" || s.Kind == "" || s.Instance == "" {
		return p.client.Refuse(provider.Invalid, op, m.Room, "room, kind or instance is missing", "")
	}
	if s.Kind == "raw-tracks" && !p.hasBucket() {
		return p.client.Refuse(provider.Invalid, op, m.Room, "raw tracks need your own bucket",
			"set "+p.account.Setting("AWS_DAILY_S3_BUCKET", "bucket")+" and "+p.account.Setting("AWS_DAILY_ROLE_ARN", "role_arn"))
	}
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: m.Room, Method: http.MethodPost, Path: roomPath(m.Room, "/recordings/start"), Idempotent: true,
		In: recordingBody{Type: s.Kind, Instance: s.Instance}, Class: classStart,
	})
	switch {
	case provider.Says(err, "has an active stream"):
		return nil
	case errors.Is(err, provider.NotFound) && provider.Says(err, "hosting a call"):
		return provider.Amend(err, func(e *provider.Error) {
			e.Kind, e.Hint = provider.NotReady, "a recording can start once someone is in the meeting"
		})
	}
	return err
}

// StopRecording stops one instance of a kind, or with an empty instance any running one. Daily refuses a stop if nothing of the
// kind is running.
func (p *Provider) StopRecording(ctx context.Context, m provider.Meeting, s provider.RecordingStart) error {
	const op = "stop recording of room"
	if m.Room == "" || s.Kind == "" {
		return p.client.Refuse(provider.Invalid, op, m.Room, "room or kind is missing", "")
	}
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: m.Room, Method: http.MethodPost, Path: roomPath(m.Room, "/recordings/stop"), Idempotent: true,
		In: recordingBody{Type: s.Kind, Instance: s.Instance},
	})
	if errors.Is(err, provider.NotFound) || errors.Is(err, provider.Invalid) {
		return nil
	}
	return err
}
