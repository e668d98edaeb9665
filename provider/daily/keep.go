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

// triedSkew is how far Daily's clock may differ from ours when a room's creation is compared with an earlier call.
const triedSkew = 10 * time.Minute

// KeepRoom creates a room without an end. It looks the name up first: an existing room is ours only if there was an earlier call, and
// the room was created since then with exactly these settings.
func (p *Provider) KeepRoom(ctx context.Context, r provider.KeptRoom) (provider.Meeting, error) {
	const op = "create room"
	if r.Name == "" {
		return provider.Meeting{}, p.client.Refuse(provider.Invalid, op, "", "the room has no name", "")
	}
	body := p.keptBody(r)
	switch found, err := p.room(ctx, r.Name); {
	case err == nil && !r.Tried.IsZero() && isOurs(found, body) && !found.CreatedAt.Before(r.Tried.Add(-triedSkew)):
		return p.meeting(op, found)
	case err == nil:
		return provider.Meeting{}, p.conflict(r.Name)
	case !errors.Is(err, provider.NotFound):
		return provider.Meeting{}, err
	}
	return p.create(ctx, body, "")
}

// keptBody returns the request for a kept room.
func (p *Provider) keptBody(r provider.KeptRoom) createBody {
	body := p.body(provider.MeetingSpec{
		Name: r.Name, Locked: r.Locked, Size: r.Size, Recording: r.Recording, Trigger: r.Trigger,
	})
	body.Properties.Exp = 0
	return body
}

// OpenRoom looks the room up: people can join it at any time.
func (p *Provider) OpenRoom(ctx context.Context, m provider.Meeting, _ provider.MeetingSpec) (provider.Meeting, error) {
	return p.Lookup(ctx, m)
}

// ChangeRoom sends only the properties that differ, since others would be overwritten. The changes don't affect people inside.
func (p *Provider) ChangeRoom(ctx context.Context, m provider.Meeting, was, now provider.KeptRoom) error {
	const op = "change room"
	from, to := p.keptBody(was), p.keptBody(now)
	change, properties := map[string]any{}, map[string]any{}
	if from.Privacy != to.Privacy {
		change["privacy"], properties["enable_knocking"] = to.Privacy, to.Properties.EnableKnocking
	}
	if from.Properties.MaxParticipants != to.Properties.MaxParticipants {
		properties["max_participants"] = cmp.Or(to.Properties.MaxParticipants, defaultSize)
	}
	if from.Properties.EnableRecording != to.Properties.EnableRecording {
		properties["enable_recording"] = to.Properties.EnableRecording
		if to.Properties.EnableRecording == "" {
			properties["enable_recording"] = nil // Daily's way to reset a property
		}
		if b := to.Properties.RecordingsBucket; b != nil {
			properties["recordings_bucket"] = b
		}
	}
	if len(properties) == 0 {
		return nil
	}
	change["properties"] = properties
	var r roomObject
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: m.Room, Missing: rest.NoRoom, Method: http.MethodPost, Path: roomPath(m.Room, ""), Idempotent: true, In: change, Out: &r,
	})
	if err == nil && string(r.Privacy) != to.Privacy {
		err = p.client.Malformed(op, m.Room, "the response has different settings")
	}
	return err
}
