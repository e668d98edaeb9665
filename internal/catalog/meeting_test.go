package catalog

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/internal/app"
	"greenroom/internal/roster"
)

func TestIsAMeetingRecorded(t *testing.T) {
	rec := func(id string, minutes int, status app.RecordingStatus, why string) app.Recording {
		return app.Recording{ID: id, StartedAt: app.At(at(minutes)), Status: status, Error: why}
	}
	running, failed := rec("1", 5, app.RecordingRunning, ""), rec("1", 5, app.RecordingFailed, "broken")
	for name, c := range map[string]struct {
		m          roster.Meeting
		recordings []app.Recording
		state      app.RecordingState
		since      int // minutes, 0 for none
		why        string
	}{
		"never":                      {roster.Meeting{}, nil, app.NotRecording, 0, ""},
		"requested":                  {roster.Meeting{RecordAsked: at(1)}, nil, app.StartingRecording, 0, ""},
		"it is":                      {roster.Meeting{}, []app.Recording{running}, app.IsRecording, 5, ""},
		"twice":                      {roster.Meeting{}, []app.Recording{rec("2", 9, app.RecordingRunning, ""), running}, app.IsRecording, 5, ""},
		"ended":                      {roster.Meeting{Meeting: app.Meeting{Status: app.Ended}, RecordAsked: at(1)}, []app.Recording{running}, app.NotRecording, 0, ""},
		"failed":                     {roster.Meeting{}, []app.Recording{failed}, app.NotRecording, 0, "broken"},
		"an earlier failed":          {roster.Meeting{}, []app.Recording{rec("2", 9, app.RecordingReady, ""), failed}, app.NotRecording, 0, ""},
		"a failure that was cleared": {roster.Meeting{ErrorsFrom: at(6)}, []app.Recording{failed}, app.NotRecording, 0, ""},
		"no start since":             {roster.Meeting{StartError: "refused", StartErrorAt: at(6)}, []app.Recording{failed}, app.NotRecording, 0, "refused"},
		"a start since":              {roster.Meeting{StartError: "refused", StartErrorAt: at(4)}, []app.Recording{running}, app.IsRecording, 5, ""},
		"the later of two":           {roster.Meeting{}, []app.Recording{failed, rec("2", 9, app.RecordingFailed, "later")}, app.NotRecording, 0, "later"},
		"the second of two":          {roster.Meeting{}, []app.Recording{failed, rec("2", 5, app.RecordingReady, "")}, app.NotRecording, 0, ""},
		"of two at one time":         {roster.Meeting{}, []app.Recording{rec("2", 5, app.RecordingReady, ""), failed}, app.NotRecording, 0, ""},
	} {
		m := c.m
		m.BotRecords, m.RecordingError = true, "old"
		Note(&m, c.recordings)
		var since app.Time
		if c.since > 0 {
			since = app.At(at(c.since))
		}
		if m.Recording != c.state || m.RecordingSince != since || m.RecordingError != c.why || m.BotRecords == (c.state == app.IsRecording) {
			t.Errorf("%s: %s since %v, %q, a bot's %t", name, m.Recording, m.RecordingSince, m.RecordingError, m.BotRecords)
		}
		if m.Status == app.Ended && !m.RecordAsked.IsZero() {
			t.Errorf("%s: a start is awaited", name)
		}
	}
}

func TestARecordingOfAMeeting(t *testing.T) {
	m := &roster.Meeting{Recordings: []string{"2"}, RecordAsked: at(5)}
	Confirm(m, app.Recording{ID: "1", StartedAt: app.At(at(5).Add(-ClockSlack - 1))})
	if !slices.Equal(m.Recordings, []string{"1", "2"}) || m.RecordAsked.IsZero() {
		t.Errorf("an earlier one: %v, %v", m.Recordings, m.RecordAsked)
	}
	Confirm(m, app.Recording{ID: "1", StartedAt: app.At(at(5).Add(-ClockSlack))})
	if !slices.Equal(m.Recordings, []string{"1", "2"}) || !m.RecordAsked.IsZero() {
		t.Errorf("the requested one: %v, %v", m.Recordings, m.RecordAsked)
	}
	if Forget(m, "1"); !slices.Equal(m.Recordings, []string{"2"}) {
		t.Errorf("%v", m.Recordings)
	}
}

func TestStoppingRecordings(t *testing.T) {
	m := &roster.Meeting{RecordAsked: at(5)}
	all := []app.Recording{
		{ID: "runs", Status: app.RecordingRunning, StartedAt: app.At(at(5))},
		{ID: "began later", Status: app.RecordingRunning, StartedAt: app.At(at(5).Add(1))},
		{ID: "ready", Status: app.RecordingReady, StartedAt: app.At(at(1))},
	}
	changed := Stop(m, all, at(5))
	if want := []app.Recording{{ID: "runs", Status: app.RecordingProcessing, StartedAt: app.At(at(5))}}; !cmp.Equal(changed, want) || !m.RecordAsked.IsZero() {
		t.Errorf("%+v, %v", changed, m.RecordAsked)
	}
	if all[0].Status != app.RecordingProcessing {
		t.Error("the list has the state of before")
	}
	m.RecordAsked = at(6)
	if Stop(m, nil, at(5)); m.RecordAsked.IsZero() {
		t.Error("a start that was requested later is forgotten")
	}
}

func TestNear(t *testing.T) {
	m := roster.Meeting{Meeting: app.Meeting{StartsAt: app.At(at(0))}}
	for d, want := range map[time.Duration]bool{nearestWithin: true, nearestWithin + 1: false, -nearestWithin: true, -nearestWithin - 1: false} {
		if Near(m, at(0).Add(d)) != want {
			t.Errorf("%v: want %t", d, want)
		}
	}
	if !Near(m, time.Time{}) {
		t.Error("an unknown beginning is far")
	}
}
