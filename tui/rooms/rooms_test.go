package rooms

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/pane"
)

func TestActivitiesAreSentences(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range append(provider.EventKinds(), "other.thing") {
		s := sentence(app.Activity{Kind: k, Who: "Ada"}, time.UTC)
		if s == "" || seen[s] {
			t.Errorf("%s is %q", k, s)
		}
		seen[s] = true
	}
	if got := sentence(app.Activity{Kind: provider.KindParticipantLeft, Detail: "connection lost"}, time.UTC); got != "A participant left · connection lost" {
		t.Error(got)
	}
}

func TestWhatFollowsIsCounted(t *testing.T) {
	p := &Pane{Screen: &pane.Screen{}}
	p.Restyle(false)
	for _, c := range []struct {
		line string
		n    int
		want string
	}{
		{"▌Grace" + strings.Repeat(" ", 24), 4993, "▌Grace          ↓ 4993 more "},
		{"▌Grace Brewster Murray Hopper", 3, "▌Grace Brewster M… ↓ 3 more "},
		{"▌Grace", 3, "▌Grace             ↓ 3 more "},
	} {
		if got := ansi.Strip(p.withMore(c.line, c.n, 28)); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What ending does to the people in a lasting room depends on the platform.
func TestEndingSaysWhatBecomesOfALastingRoom(t *testing.T) {
	for _, c := range []struct {
		platform provider.Platform
		adopted  bool
		after    app.AfterEnd
		want     string
	}{
		{provider.Whereby, true, app.PeopleStay, "1 person can stay in the room: Whereby has no way to remove them. The room stays on " +
			"Whereby, and its links keep working."},
		{provider.Daily, true, app.PeopleRemoved, "1 person will be disconnected. The room stays on Daily, and its links keep working."},
		{provider.LiveKit, true, "", "1 person will be disconnected. The room stays on LiveKit, and its links keep working."},
		{provider.Whereby, false, app.PeopleStay, "1 person will be disconnected. Its links will stop working."},
	} {
		if got := endText(app.Meeting{Platform: c.platform, Adopted: c.adopted, Here: 1}, c.after); got != c.want {
			t.Errorf("%s, adopted %v: %q", c.platform, c.adopted, got)
		}
	}
}

func TestThoseWhoDeclinedAreNamed(t *testing.T) {
	rows := declined([]app.Guest{
		{Name: "Ada", Consent: app.ConsentYes}, {Name: "Eve\x1b[2J", Consent: app.ConsentNo}, {Name: "Bob", Consent: app.ConsentNo, Session: "s"}, {Name: "Mal", Consent: app.ConsentNo},
	})
	if len(rows) != 1 || rows[0].stay != nil || rows[0].head != "Declined: Eve␛[2J, Mal" {
		t.Errorf("%+v", rows)
	}
	if rows := declined([]app.Guest{{Name: "Ada", Consent: app.ConsentYes}}); rows != nil {
		t.Errorf("%+v", rows)
	}
}
