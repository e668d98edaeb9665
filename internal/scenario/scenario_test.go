package scenario

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/provider"
)

// In every scenario people come before they leave, the counts are those of the people present, ends name their beginnings, and in
// the end no one is there.
func TestScenariosAreMeetingsThatCouldHappen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(Names()).Draw(t, "name")
		people := rapid.IntRange(1, 20).Draw(t, "people")
		waiting, here := map[int]time.Duration{}, map[int]time.Duration{}
		came := map[int]bool{}
		last := time.Duration(-1)
		for i, s := range Plan(name, people, provider.EventKinds()) {
			if s.At <= last {
				t.Fatalf("step %d is at %v, after %v", i, s.At, last)
			}
			last = s.At
			switch s.Kind {
			case provider.KindParticipantWaiting:
				waiting[s.Person] = s.At
				came[s.Person] = true
			case provider.KindParticipantWaitingLeft:
				if since, ok := waiting[s.Person]; !ok || since != s.Since {
					t.Fatalf("%d leaves the lobby: %+v", s.Person, s)
				}
				delete(waiting, s.Person)
			case provider.KindParticipantJoined:
				delete(waiting, s.Person)
				here[s.Person] = s.At
				came[s.Person] = true
			case provider.KindParticipantLeft:
				if since, ok := here[s.Person]; !ok || since != s.Since {
					t.Fatalf("%d leaves: %+v", s.Person, s)
				}
				delete(here, s.Person)
			}
			if s.Here != len(here) {
				t.Fatalf("%+v with %d present", s, len(here))
			}
		}
		if len(here) != 0 || len(waiting) != 0 || len(came) != people {
			t.Fatalf("%d are here, %d wait, %d came", len(here), len(waiting), len(came))
		}
	})
}

func TestAScenarioLeavesOutWhatThePlatformDoesNotSend(t *testing.T) {
	var got []provider.EventKind
	for _, s := range Plan("recording", 1, []provider.EventKind{provider.KindMeetingStarted, provider.KindMeetingEnded, provider.KindRecordingReady}) {
		got = append(got, s.Kind)
		if s.Kind == provider.KindRecordingReady && s.Since >= s.At {
			t.Errorf("a recording of no length: %+v", s)
		}
	}
	if len(got) != 3 || got[0] != provider.KindMeetingStarted || got[2] != provider.KindRecordingReady {
		t.Error(got)
	}
}
