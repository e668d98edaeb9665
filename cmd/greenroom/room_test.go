package main

import (
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
