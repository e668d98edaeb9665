package app

import (
	"reflect"
	"testing"

	"greenroom/provider"
)

func TestPatchesReachEverySetting(t *testing.T) {
	was := RoomSettings{}
	now := RoomSettings{
		Name: "n", Account: "a", Locked: true, Size: 1, Recording: provider.RecordingCloud, Trigger: provider.TriggerPrompt, Logo: "l",
		SkipConsent: true, AutoDownload: true, Link: LinkLasting, Group: "g", Favourite: true,
	}
	for v, i := reflect.ValueOf(now), 0; i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the test leaves out %s", v.Type().Field(i).Name)
		}
	}
	got := was
	was.PatchTo(now, "ref").Apply(&got)
	if got != now {
		t.Errorf("%+v, want %+v", got, now)
	}
	if p := now.PatchTo(now, "ref"); p != (RoomPatch{Ref: "ref"}) {
		t.Errorf("nothing differs, and the patch is %+v", p)
	}
}
