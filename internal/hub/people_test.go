package hub

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

func TestEject(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	m := s.start("daily")
	ada, bob := s.join(m.Meeting, "Ada"), s.join(m.Meeting, "Bob")
	s.until(m.ID, 5*time.Second, here(2))
	d, err := s.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: ada})
	if err != nil || d.Here != 1 || d.Participants[0].Session != bob || d.Participants[1].LeftAt.IsZero() {
		t.Fatalf("%+v, %v", d, err)
	}
	if people, err := s.world.Room(provider.Daily, m.PlatformRoom); err != nil || len(people.People) != 1 {
		t.Errorf("%+v, %v", people, err)
	}
	if again, err := s.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: ada}); err != nil || again.Here != 1 {
		t.Errorf("twice: %v", err)
	}
	if _, err := s.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: "unknown"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("an unknown session: %v", err)
	}
	w := s.start("whereby")
	cleo := s.join(w.Meeting, "Cleo")
	s.until(w.ID, 5*time.Second, here(1))
	if _, err := s.Eject(t.Context(), app.Ejection{Meeting: w.ID, Session: cleo}); !errors.Is(err, provider.Unsupported) || app.AsError(err).Hint == "" {
		t.Errorf("on whereby: %v", err)
	}
}

// A ban that the platform can't keep is no success, though the person is out.
func TestABanWithoutEffectIsReported(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	m := s.start("daily")
	enter := func(name, user string) string {
		t.Helper()
		session, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: name, UserID: user})
		if err != nil {
			t.Fatal(err)
		}
		return session
	}
	known, unknown := enter("Mallory", "u-7"), enter("Eve", "")
	s.until(m.ID, 5*time.Second, here(2))
	if _, err := s.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: known, Ban: true}); err != nil {
		t.Error(err)
	}
	_, err := s.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: unknown, Ban: true})
	if !errors.Is(err, provider.Unsupported) || !strings.Contains(err.Error(), "Eve was removed but can rejoin") {
		t.Errorf("%v", err)
	}
	s.until(m.ID, 5*time.Second, here(0))
	if _, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: "Mallory again", UserID: "u-7"}); err == nil {
		t.Error("who is banned came back")
	}
	if _, err := s.world.Join(provider.Daily, m.PlatformRoom, sandbox.Person{Name: "Eve again"}); err != nil {
		t.Error(err)
	}
}

func TestConsentIsKeptWithItsTime(t *testing.T) {
	s := newSandboxed(t)
	room, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: "r", Account: "daily", Recording: provider.RecordingCloud})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "r"})
	if err != nil || !app.NeedsConsent(m.Meeting, room) {
		t.Fatalf("%+v, %v", m, err)
	}
	s.clock.Advance(time.Minute)
	for given, want := range map[bool]app.Consent{false: app.ConsentDeclined, true: app.ConsentGiven} {
		got, err := s.Consent(t.Context(), app.ConsentAnswer{Meeting: "r", Given: given})
		if err != nil || got.Consent != want || !got.ConsentAt.Equal(s.now().Time) || app.NeedsConsent(got, room) == given {
			t.Errorf("%v: %+v, %v", given, got, err)
		}
	}
	room.SkipConsent = true
	if app.NeedsConsent(m.Meeting, room) {
		t.Error("asked although the room skips it")
	}
	again, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "r", Consent: true})
	if err != nil || !again.Reused || again.Consent != app.ConsentGiven {
		t.Errorf("%+v, %v", again, err)
	}
}

func picture(t *testing.T, width int) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, 10))); err != nil {
		t.Fatal(err)
	}
	return file(t, b.Bytes())
}

func file(t *testing.T, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logo.png")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestALogoIsCheckedEarlyAndUploaded(t *testing.T) {
	s := newSandboxed(t)
	good := picture(t, 400)
	for name, path := range map[string]string{
		"too narrow": picture(t, 399), "no PNG": file(t, []byte("GIF89a")), "damaged": file(t, []byte("\x89PNG\r\n\x1a\nxx")),
		"too large": file(t, append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 5<<20)...)),
		"a folder":  t.TempDir(), "missing": filepath.Join(t.TempDir(), "x.png"), "relative": "logo.png",
	} {
		if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: name, Logo: path}); !errors.Is(err, provider.Invalid) || app.AsError(err).Hint == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, account := range []string{"daily", "whereby"} {
		if _, err := s.CreateRoom(t.Context(), app.RoomSpec{Name: account, Account: account, Logo: good}); err != nil {
			t.Fatal(err)
		}
	}
	bad := "nope.png"
	if _, err := s.EditRoom(t.Context(), app.RoomPatch{Ref: "daily", Logo: &bad}); !errors.Is(err, provider.Invalid) {
		t.Errorf("edited: %v", err)
	}
	m, err := s.StartMeeting(t.Context(), app.StartMeeting{Room: "whereby"})
	if err != nil || len(m.Notes) != 0 {
		t.Fatalf("%v, %v", m.Notes, err)
	}
	if theme, ok := s.world.ThemeOf(m.PlatformRoom); !ok || len(theme.Logo) == 0 {
		t.Error("not uploaded")
	}
	if m, err = s.StartMeeting(t.Context(), app.StartMeeting{Room: "daily"}); err != nil || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], "no logo") {
		t.Errorf("%v, %v", m.Notes, err)
	}
	if err := os.Remove(good); err != nil {
		t.Fatal(err)
	}
	if m, err = s.StartMeeting(t.Context(), app.StartMeeting{Room: "whereby", New: true}); err != nil || len(m.Notes) != 1 {
		t.Errorf("%v, %v", m.Notes, err)
	}
}

// A logo may be as large as the limit, and is read whole. A platform without logos says why.
func TestTheLargestLogo(t *testing.T) {
	raw, err := os.ReadFile(picture(t, logoWidth))
	if err != nil {
		t.Fatal(err)
	}
	largest := append(raw, make([]byte, logoBytes-len(raw))...)
	if got, err := readLogo(file(t, largest)); err != nil || len(got) != logoBytes {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := readLogo(file(t, append(largest, 0))); !errors.Is(err, provider.Invalid) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("one byte more: %v", err)
	}
	h := &Hub{}
	for want, p := range map[string]provider.Provider{"acme rooms have no logo; ": unusable{}, "Acme has no walls; ": wall{}} {
		a := &account{Account: Account{Account: provider.Account{Platform: "acme"}, Provider: p}}
		if note := h.uploadLogo(t.Context(), a, app.Room{}, provider.Meeting{}); !strings.HasPrefix(note, want) {
			t.Errorf("%q, not %q", note, want)
		}
	}
}

// wall is a platform that explains why it has no logos.
type wall struct{ unusable }

func (wall) WhyNot(provider.Ability) string { return "Acme has no walls" }

func TestWherebysOwnNumbersAreShownBesideOurs(t *testing.T) {
	s := newSandboxed(t)
	s.listen()
	m := s.start("whereby")
	s.join(m.Meeting, "Ada")
	if _, err := s.world.Join(provider.Whereby, m.PlatformRoom, sandbox.Person{Role: "recorder"}); err != nil {
		t.Fatal(err)
	}
	s.until(m.ID, 5*time.Second, func(d app.MeetingDetail) bool {
		return d.Here == 1 && d.Reported != nil && *d.Reported == 1 && !d.ReportedAt.IsZero() && len(d.Participants) == 2
	})
	// A second person whose event is lost: the next event's number shows it.
	if _, err := s.world.Fault(sandbox.Fault{Kind: sandbox.LoseWebhook, Times: 2}); err != nil {
		t.Fatal(err)
	}
	s.join(m.Meeting, "Bob")
	s.join(m.Meeting, "Cleo")
	if err := s.world.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := s.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
	if err != nil || d.Reported == nil || *d.Reported != 3 || d.Here != 2 {
		t.Errorf("here %d, reported %v, %v", d.Here, d.Reported, err)
	}
}

func TestDiagnose(t *testing.T) {
	s := newSandboxed(t)
	s.SetListener(func() app.ListenerStatus { return app.ListenerStatus{URL: "http://127.0.0.1:7070"} })
	all, err := s.Diagnose(t.Context(), app.DiagnosisQuery{})
	if err != nil || len(all) != 3 || all[2].Account != "" {
		t.Fatalf("%+v, %v", all, err)
	}
	found := map[string]bool{}
	for _, d := range all {
		for _, c := range d.Checks {
			found[d.Account+" "+c.Name] = c.OK
			if c.Name == "" || c.Detail == "" || !c.OK && c.Hint == "" {
				t.Errorf("%s: %+v says too little", d.Account, c)
			}
		}
	}
	for name, want := range map[string]bool{
		"daily API key": true, "whereby API key": true, "whereby insights": true, "daily webhook URL": true, "daily webhooks": false,
		" accounts": true, " listener": true, " policy": true,
	} {
		if got, there := found[name]; !there || got != want {
			t.Errorf("%q: %v, there %v", name, got, there)
		}
	}
	if one, err := s.Diagnose(t.Context(), app.DiagnosisQuery{Account: "whereby"}); err != nil || len(one) != 1 || one[0].Account != "whereby" {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := s.Diagnose(t.Context(), app.DiagnosisQuery{Account: "zoom"}); !errors.Is(err, app.NotConfigured) {
		t.Error(err)
	}
	st, err := s.Status(t.Context(), app.StatusQuery{})
	if err != nil || st.Accounts[1].Cannot[provider.AbilityEject] == "" || st.Accounts[0].Cannot[provider.AbilityLogo] == "" || st.Accounts[0].Cannot[provider.AbilityMute] == "" || len(st.Accounts[0].Cannot) != 2 {
		t.Errorf("%+v, %v", st.Accounts, err)
	}
}
