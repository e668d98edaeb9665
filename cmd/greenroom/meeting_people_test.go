package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
)

func TestPersonByNameOrSession(t *testing.T) {
	m := app.MeetingDetail{Meeting: app.Meeting{Room: "all hands"}, Participants: []app.Stay{
		{Session: "s1", Name: "Ada"}, {Session: "s2", Name: "Zoë"}, {Session: "s3", Name: "Zoë"},
		{Session: "s4", Name: "Bo", LeftAt: app.At(time.Unix(1, 0))}, {Session: "s5", Name: "Bo", Waiting: true},
		{Session: "s6"}, {Session: "s7", Name: "M\x1b[2J"}, {Session: "s8", Name: "s1"},
	}}
	for _, test := range []struct {
		ref, want string
		fails     error
	}{
		{"s1", "s1", nil}, {"ada", "s1", nil}, {"Bo", "s5", nil}, {"s4", "s4", nil}, {"s6", "s6", nil},
		{"M␛[2J", "s7", nil}, {"", "", provider.NotFound}, {"Unknown", "", provider.NotFound},
	} {
		got, err := person(m, test.ref)
		if got.Session != test.want || !errors.Is(err, test.fails) {
			t.Errorf("%q: %q, %v", test.ref, got.Session, err)
		}
	}
	_, err := person(m, "Zoë")
	if exitCode(err) != exitUsage || !strings.Contains(err.Error(), "s2 or s3") {
		t.Errorf("two of a name: %v", err)
	}
	_, err = person(m, "Unknown")
	if hint := app.AsError(err).Hint; !strings.Contains(hint, "'all hands'") {
		t.Errorf("the hint is no command: %q", hint)
	}
}

func TestEndingAsksAndSaysWhatBecomesOfTheRoom(t *testing.T) {
	for _, test := range []struct {
		meeting app.Meeting
		after   app.AfterEnd
		want    string
	}{
		{app.Meeting{Room: "r", Here: 2, Platform: provider.Whereby}, app.PeopleStay, "End r with 2 people in it?"},
		{app.Meeting{Room: "r", Platform: provider.Whereby, Adopted: true, Here: 1}, app.PeopleStay, "with the people in it, since Whereby has no way to remove them. End r with 1 person in it?"},
		{app.Meeting{Room: "r", Platform: provider.Daily, Adopted: true}, app.PeopleRemoved, "stays on Daily, and its links keep working. End r? No one is in it."},
	} {
		if got := endQuestion(test.meeting, test.after); !strings.HasSuffix(got, test.want) || !test.meeting.Adopted && got != test.want {
			t.Errorf("%q, not %q", got, test.want)
		}
	}
}

func TestMeetingShowNamesPeopleAndDifferences(t *testing.T) {
	b := newBench(t, false, "")
	seen := 5
	ago := func(d time.Duration) app.Time { return app.At(b.now().Add(-d)) }
	m := app.MeetingDetail{
		Meeting: app.Meeting{
			Room: "r", Status: app.Live, Here: 2, Peak: 3, Waiting: 1, Reported: &seen, ReportedAt: ago(time.Minute), Adopted: true,
			Record: provider.RecordingCloud, Trigger: provider.TriggerAutomatic, Recording: app.StartingRecording,
			RecordingError: "not on this plan\x1b[2J", Consent: app.ConsentGiven, ConsentAt: ago(time.Hour),
		},
		Participants: []app.Stay{
			{Session: "s1", Name: "Ada", Owner: true, JoinedAt: ago(10 * time.Minute)},
			{Session: "s2", Name: "Bo", Role: "granted_visitor", JoinedAt: ago(9 * time.Minute)},
			{Session: "s3", Role: "recorder", Bot: true},
			{Session: "s4", Name: "Linus", Waiting: true, WaitingSince: ago(90 * time.Second)},
			{Session: "s5", Name: "Gone", JoinedAt: ago(9 * time.Minute), LeftAt: ago(8 * time.Minute), Reason: "removed"},
		},
	}
	if err := b.program.printMeeting(m); err != nil {
		t.Fatal(err)
	}
	out := b.out.String()
	for _, want := range []string{
		"the platform counted 5, 1:00 ago", "in the cloud, from the 1st participant; starting; failed: not on this plan␛", "given 2026-11-22", "not created here",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	for _, row := range []string{
		"Ada host here 10:00", "Bo granted_visitor here 9:00", "(s3) bot, recorder here", "Linus knocking 1:30",
		"Gone left 1:00 removed",
	} {
		if !hasRow(out, strings.Fields(row)) {
			t.Errorf("no line %q in\n%s", row, out)
		}
	}
	seen, m.RecordingError, m.Recording, m.Record, m.Consent = 2, "", app.NotRecording, provider.RecordingNone, ""
	b.out.Reset()
	if err := b.program.printMeeting(m); err != nil {
		t.Fatal(err)
	}
	for _, not := range []string{"counted", "recording ", "consent"} {
		if strings.Contains(b.out.String(), not) {
			t.Errorf("%q is shown although there is nothing to show:\n%s", not, b.out.String())
		}
	}
}

// hasRow reports whether a line has these words in this order.
func hasRow(out string, words []string) bool {
	for line := range strings.Lines(out) {
		at := 0
		for _, w := range strings.Fields(line) {
			if at < len(words) && w == words[at] {
				at++
			}
		}
		if at == len(words) {
			return true
		}
	}
	return false
}

func TestEjectAsksFirst(t *testing.T) {
	b := newBench(t, true, "n\n")
	b.run(t, 0, "room", "create", "r")
	b.run(t, 0, "meeting", "start", "r")
	b.run(t, 1, "meeting", "eject", "r", "zoë 渡辺")
	if !strings.Contains(b.err.String(), "Remove Zoë 渡辺 from r? [y/N]") {
		t.Errorf("it asks %q", b.err.String())
	}
}

func TestPeopleAreFoundWithoutTheirAccents(t *testing.T) {
	m := app.MeetingDetail{Participants: []app.Stay{{Session: "1", Name: "Søren Ångström"}, {Session: "2", Name: "José"}, {Session: "3", Name: "Jose"}}}
	if s, err := person(m, "soren angstrom"); err != nil || s.Session != "1" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := person(m, "JOSÉ"); err != nil || s.Session != "2" {
		t.Errorf("the exact name doesn't go first: %+v, %v", s, err)
	}
	if s, err := person(m, "jòse"); err == nil {
		t.Errorf("one of two: %+v", s)
	}
}
