package main

import (
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestSettingsInWords(t *testing.T) {
	for _, test := range []struct {
		room app.Room
		want string
	}{
		{app.Room{}, ""},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingNone, Trigger: provider.TriggerNone}}, ""},
		{app.Room{RoomSettings: app.RoomSettings{Locked: true, Size: 9}, Adopted: true}, "locked, up to 9, adopted"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingLocal, Trigger: provider.TriggerNone}}, "records locally"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingLocal, Trigger: provider.TriggerPrompt}}, "records locally, if the host agrees"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingCloud}}, "records in the cloud"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingCloud, Trigger: provider.TriggerNone}}, "records in the cloud, when started by hand"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingCloud, Trigger: provider.TriggerPrompt}}, "records in the cloud, if the host agrees"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingCloud, Trigger: provider.TriggerAutomatic}}, "records in the cloud, from the 1st participant"},
		{app.Room{RoomSettings: app.RoomSettings{Recording: provider.RecordingCloud, Trigger: provider.TriggerAutomatic2nd}}, "records in the cloud, from the 2nd participant"},
	} {
		if got := settings(test.room); got != test.want {
			t.Errorf("%+v: %q, not %q", test.room, got, test.want)
		}
	}
}

// A page that isn't public says what is in the way.
func TestWhyAPageIsOnThisMachineOnly(t *testing.T) {
	listening := app.ListenerStatus{URL: "http://127.0.0.1:7070"}
	for want, s := range map[string]app.Status{
		"Nothing serves the page now":            {Tunnel: app.TunnelStatus{Driver: "ssh", State: "connecting"}},
		"guests need a tunnel that carries":      {Listener: listening, Tunnel: app.TunnelStatus{Driver: "none"}},
		"need a tunnel that carries connections": {Listener: listening, Tunnel: app.TunnelStatus{Driver: "relay", State: "live", StoreAndForward: true}},
		"while the tunnel ssh is not live":       {Listener: listening, Tunnel: app.TunnelStatus{Driver: "ssh", State: "degraded"}},
		"while the tunnel s␛[31mh is not live":   {Listener: listening, Tunnel: app.TunnelStatus{Driver: "s\x1b[31mh", State: "connecting"}},
	} {
		if got := whyLocal(s); !strings.Contains(got, want) {
			t.Errorf("%+v: %q lacks %q", s.Tunnel, got, want)
		}
	}
}
