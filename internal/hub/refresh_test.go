package hub

import (
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

func TestRecordingsAreAskedForWhenWanted(t *testing.T) {
	s := newSandboxed(t)
	m := s.recorded("daily", provider.TriggerNone)
	s.join(m, "Ada")
	if _, err := s.world.StartRecording(provider.Daily, m.PlatformRoom); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Recordings(t.Context(), app.RecordingQuery{}); err != nil || len(list) != 0 {
		t.Fatalf("without a request: %+v, %v", list, err)
	}
	list, err := s.Recordings(t.Context(), app.RecordingQuery{Refresh: true})
	if err != nil || len(list) != 1 || list[0].Meeting != m.ID || list[0].Status != app.RecordingRunning {
		t.Fatalf("%+v, %v", list, err)
	}
	if _, err := s.world.Fault(sandbox.Fault{Kind: sandbox.HTML, Platform: provider.Daily}); err != nil {
		t.Fatal(err)
	}
	again, err := s.Recordings(t.Context(), app.RecordingQuery{Refresh: true})
	if err != nil || len(again) != 1 {
		t.Errorf("what is known goes with the platform: %+v, %v", again, err)
	}
	st, err := s.Status(t.Context(), app.StatusQuery{})
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	for _, p := range st.Pollers {
		if p.Name == "recordings" {
			failed[p.Account] = p.Error != ""
		}
	}
	if failed["whereby"] || !failed["daily"] || len(failed) != 2 {
		t.Errorf("the pollers say %+v", st.Pollers)
	}
}
