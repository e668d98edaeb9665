//go:build unix

package page_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub"
	"greenroom/internal/peers"
	"greenroom/internal/peers/livekittest"
	"greenroom/provider"
	"greenroom/provider/livekit"
)

// videos counts the videos that play.
const videos = `[...document.querySelectorAll("#stage video")].filter((v) => v.videoWidth > 0 && v.currentTime > 0 && !v.paused).length`

// Two guests and a host meet on a real server, each in a browser with a camera that is made up.
func TestAMeetingOnARealServer(t *testing.T) {
	at := livekittest.Free(t)
	server := livekittest.Start(t, livekittest.Options{Webhook: "http://" + at + "/hooks/livekit"})
	account := provider.Account{
		Name: "livekit", Platform: provider.LiveKit, APIURL: server.URL, APIKey: livekittest.Key, APISecret: livekittest.Secret, WebhookSecret: livekittest.Secret,
	}
	p, err := livekit.New(account, livekit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, plan{at: at, accounts: []hub.Account{{Account: account, Provider: p}}})
	browser := peers.Browser(t, nil)
	const room = "All hands"
	address := h.room(room, "livekit", true)
	origin := address[:strings.Index(address, "/r/")]
	m := h.start(room)
	if m.GuestURL != address || !strings.HasPrefix(m.HostURL, address+"#host=") {
		t.Fatalf("the links are %s and %s", m.GuestURL, m.HostURL)
	}
	host, ada, bob, eve := newTab(t, browser), newTab(t, browser), newTab(t, browser), newTab(t, browser)
	host.do(navigate(m.HostURL))
	host.enter("Hana", "I consent, join")
	ada.do(navigate(address))
	ada.enter("Ada", "I consent, join")
	bob.do(navigate(address))
	bob.enter("Bob", "I consent, join")
	eve.do(navigate(address))
	eve.enter("Eve", "I don't consent")
	eve.heading("You didn't join")
	for name, p := range map[string]*tab{"host": host, "ada": ada, "bob": bob} {
		p.until(name+" sees three videos play", videos+` === 3`)
	}
	if dir := os.Getenv("GREENROOM_PICTURES"); dir != "" {
		ada.pictures("livekit")
	} else {
		ada.accessible("the meeting")
	}
	names := eval[string](ada, `[...document.querySelectorAll(".who")].map((e) => e.textContent).sort().join()`)
	if names != "Ada (you),Bob,Hana" {
		t.Errorf("the names are %q", names)
	}
	// The roster, by the server's signed webhooks.
	var d app.MeetingDetail
	waitFor(t, "three people in the roster, with their answers", func() bool {
		var err error
		if d, err = h.Meeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil {
			t.Fatal(err)
		}
		consented := 0
		for _, s := range d.Participants {
			if s.Consent == "yes" && !s.ConsentAt.IsZero() && s.Source == app.FromWebhook {
				consented++
			}
		}
		return d.Here == 3 && consented == 3
	})
	for _, s := range d.Participants {
		if s.Owner != (s.Name == "Hana") || s.Name == "Eve" {
			t.Errorf("%+v", s)
		}
	}
	// Microphone, camera and screen, by keyboard.
	bob.press("Microphone: on")
	ada.until("Bob's microphone off", `[...document.querySelectorAll(".who")].some((e) => e.textContent === "Bob · microphone off")`)
	bob.press("Camera: on")
	ada.until("Bob's camera off", videos+` === 2`)
	bob.press("Screen: off")
	ada.until("Bob's screen", `[...document.querySelectorAll(".tile.screen video")].some((v) => v.videoWidth > 0)`)
	bob.press("Screen: on")
	ada.until("no screen", `document.querySelectorAll(".tile.screen").length === 0`)
	bob.press("Devices")
	bob.until("a choice of cameras", `document.getElementById("device-videoinput")?.options.length > 0`)
	bob.accessible("the devices")
	bob.press("Leave")
	bob.heading("You left the meeting")
	ada.until("two people", `document.querySelectorAll(".tile").length === 2`)
	// The host's token was for once.
	again := newTab(t, browser)
	again.do(navigate(m.HostURL))
	again.enter("Mallory", "I consent, join")
	again.heading("That didn't work")
	// A guest who is removed stays out.
	waitFor(t, "Bob gone", func() bool {
		d, err = h.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
		return err == nil && d.Here == 2
	})
	for _, s := range d.Participants {
		if s.Name == "Ada" {
			if _, err := h.Eject(t.Context(), app.Ejection{Meeting: m.ID, Session: s.Session}); err != nil {
				t.Fatal(err)
			}
		}
	}
	ada.heading("That didn't work")
	if text := eval[string](ada, `document.body.innerText`); !strings.Contains(text, "removed you") {
		t.Error(text)
	}
	if _, err := h.EndMeeting(t.Context(), app.MeetingRef{Ref: m.ID}); err != nil {
		t.Fatal(err)
	}
	host.heading("The meeting has ended")
	eve.press("I changed my mind")
	for _, p := range []*tab{host, ada, bob} {
		p.onlyFrom(origin, server.URL, server.Socket())
		p.quiet()
	}
	eve.onlyFrom(origin)
	again.onlyFrom(origin)
}

// waitFor waits until something holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.NewTimer(40 * time.Second)
	defer late.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatal(fmt.Sprint("waited for ", what))
		}
	}
}
