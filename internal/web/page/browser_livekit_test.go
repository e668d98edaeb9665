//go:build unix

package page_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/peers"
)

// videos counts the videos that play.
const videos = `[...document.querySelectorAll("#stage video")].filter((v) => v.videoWidth > 0 && v.currentTime > 0 && !v.paused).length`

// Two guests and a host meet on a real server, each in a browser with a camera that is made up.
func TestAMeetingOnARealServer(t *testing.T) {
	h, server := onLiveKit(t)
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
	ada.pictures("livekit")
	names := eval[string](ada, `[...document.querySelectorAll(".who")].map((e) => e.innerText.trim()).sort().join()`)
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
	ada.until("Bob's microphone off", `[...document.querySelectorAll(".who")].some((e) => e.innerText.startsWith("Bob") && !e.querySelector(".silent").hidden)`)
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
		var err error
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
	ada.heading("You were removed")
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
	late := time.NewTimer(2 * time.Minute)
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
