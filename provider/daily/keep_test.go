package daily_test

import (
	"errors"
	"testing"

	"greenroom/provider"
	"greenroom/provider/providertest"
)

// A room that lasts has no exp, and a change names only what differs.
func TestKeptBodies(t *testing.T) {
	room := providertest.JSON(`{"id":"1","name":"demo","privacy":"private","url":"https://x.daily.co/demo","created_at":"2025-06-15T12:00:00.000Z","config":{}}`)
	missing := refusal(404, `{"error":"not-found","info":"room demo not found"}`)
	kept := provider.KeptRoom{Name: "demo", Locked: true, Size: 12, Recording: provider.RecordingCloud}
	p, s, _ := on(t, account(), answers{"GET /rooms/demo": {missing}, "POST /rooms": {room}, "POST /rooms/demo": {room, room, room}})
	m, err := p.KeepRoom(t.Context(), kept)
	if err != nil || m.Room != "demo" || !m.Until.IsZero() {
		t.Fatalf("%+v, %v", m, err)
	}
	jsonEqual(t, s.Asked()[1].Body, `{"name":"demo","privacy":"private","properties":{"enable_chat":true,"enable_screenshare":true,
		"start_video_off":false,"start_audio_off":false,"max_participants":12,"enable_knocking":true,"enable_recording":"cloud"}}`)
	for _, c := range []struct {
		change func(*provider.KeptRoom)
		want   string
	}{
		{func(k *provider.KeptRoom) { k.Size = 0 }, `{"properties":{"max_participants":200}}`},
		{func(k *provider.KeptRoom) { k.Recording = provider.RecordingNone }, `{"properties":{"enable_recording":null}}`},
	} {
		now := kept
		c.change(&now)
		if err := p.ChangeRoom(t.Context(), m, kept, now); err != nil {
			t.Fatal(err)
		}
		asked := s.Asked()
		jsonEqual(t, asked[len(asked)-1].Body, c.want)
	}
	n := len(s.Asked())
	if err := p.ChangeRoom(t.Context(), m, kept, kept); err != nil || len(s.Asked()) != n {
		t.Errorf("nothing differs: %v, %d calls", err, len(s.Asked())-n)
	}
	opened := kept
	opened.Locked = false
	if err := p.ChangeRoom(t.Context(), m, kept, opened); !errors.Is(err, provider.Unavailable) {
		t.Errorf("the answer is still private: %v", err)
	}
}
