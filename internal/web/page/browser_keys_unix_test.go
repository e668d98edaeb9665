//go:build unix

package page_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"greenroom/internal/app"
	"greenroom/internal/hub"
	"greenroom/internal/peers"
	"greenroom/internal/peers/livekittest"
	"greenroom/provider"
	"greenroom/provider/livekit"
)

// onLiveKit makes a house with a real server.
func onLiveKit(t *testing.T, hosts ...string) (*house, *livekittest.Server) {
	t.Helper()
	at := peers.Free(t)
	server := livekittest.Start(t, livekittest.Options{Webhook: "http://" + at + "/hooks/livekit"})
	account := provider.Account{
		Name: "livekit", Platform: provider.LiveKit, APIURL: server.URL, APIKey: livekittest.Key, APISecret: livekittest.Secret, WebhookSecret: livekittest.Secret,
	}
	p, err := livekit.New(account, livekit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return newHouse(t, plan{at: at, hosts: hosts, accounts: []hub.Account{{Account: account, Provider: p}}}), server
}

// focused returns what has the focus: its text or id, and whether one sees that.
func focused(p *tab) string {
	p.t.Helper()
	return eval[string](p, `(() => {
		const e = document.activeElement, s = getComputedStyle(e)
		const name = e.id || (e.classList.contains("tiles") ? "tiles" : e.tagName === "H1" ? "h1 " + e.textContent : e.textContent)
		return name + (e.matches(":focus-visible") && s.outlineStyle === "none" && e.tagName !== "H1" && e.id !== "stage" ? " (unseen)" : "")
	})()`)
}

// keys types keys, such as tabs.
func (p *tab) keys(all string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(all))
}

// walk presses Tab and compares what gets the focus.
func (p *tab) walk(want ...string) {
	p.t.Helper()
	for _, w := range want {
		p.keys("\t")
		if got := focused(p); got != w {
			p.t.Errorf("Tab leads to %q, not %q", got, w)
		}
	}
}

// Every state is used with the keyboard alone: where the focus is, in which order it moves, and that one sees it.
func TestByKeyboardAlone(t *testing.T) {
	h, server := onLiveKit(t)
	browser := peers.Browser(t, nil)
	const room = "All hands"
	address := h.room(room, "livekit", true)
	ada := newTab(t, browser)
	ada.do(navigate(address))
	ada.heading(room)
	if got := focused(ada); got != "name" {
		t.Errorf("the form begins at %q", got)
	}
	if text := eval[string](ada, `document.getElementById(document.querySelector("button.main").getAttribute("aria-describedby")).textContent`); !strings.Contains(text, "recorded") {
		t.Errorf("the button that consents is described by %q", text)
	}
	ada.keys("\r")
	ada.until("the request for a name", `document.querySelector("[role=alert]").textContent !== "" && document.getElementById("name").getAttribute("aria-describedby") === "error"`)
	if got := focused(ada); got != "name" {
		t.Errorf("without a name the focus is at %q", got)
	}
	ada.pictures("nameless")
	ada.keys("Ada")
	ada.walk("I consent, join", "I don't consent")
	ada.keys(" ")
	ada.heading("You didn't join")
	if got := focused(ada); got != "h1 You didn't join" {
		t.Errorf("after a decline the focus is at %q", got)
	}
	ada.walk("I changed my mind")
	ada.keys("\r")
	ada.heading(room)
	ada.walk("name", "I consent, join")
	ada.keys("\r")
	ada.heading("Waiting for the start")
	if got := focused(ada); got != "h1 Waiting for the start" {
		t.Errorf("while waiting the focus is at %q", got)
	}
	m := h.start(room)
	ada.until("her own video", videos+` === 1`)
	if got := focused(ada); got != "stage" {
		t.Errorf("in the meeting the focus is at %q", got)
	}
	ada.walk("tiles", "Microphone: on", "Camera: on", "Screen: off", "Devices", "Leave")
	server.Join(t, livekittest.Person{Room: m.PlatformRoom, Identity: "bob", Name: "Bob"})
	ada.until("news for those who don't see", `document.getElementById("status").textContent === "Bob joined"`)
	ada.press("Devices")
	ada.until("the focus in the list", `document.activeElement.id === "device-audioinput"`)
	ada.pictures("devices")
	ada.keys("\x1b")
	if got := focused(ada); got != "Devices" || eval[bool](ada, `!document.getElementById("devices").hidden`) {
		t.Errorf("after Escape the focus is at %q", got)
	}
	ada.press("Screen: off")
	ada.until("her screen above the people", `(() => {
		const at = (q) => document.querySelector(q).getBoundingClientRect()
		const screen = document.querySelector(".tile.screen video")
		return screen?.videoWidth > 0 && at(".tile.screen").bottom <= at(".tile:not(.screen)").top && at(".tile.screen").height > 2 * at(".tile:not(.screen)").height
	})()`)
	ada.pictures("screen")
	ada.press("Screen: on")
	// Colours that the reader forces, and no motion.
	call(ada, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "forced-colors", Value: "active"}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if got := eval[string](ada, `getComputedStyle(document.querySelector(".tile")).transitionDuration + getComputedStyle(document.querySelector("button")).transitionDuration`); got != "0s0s" {
		t.Errorf("with reduced motion something moves for %s", got)
	}
	if same := eval[bool](ada, `(() => {
		const [a, b] = document.querySelectorAll(".tile")
		a.classList.add("speaking")
		b.classList.remove("speaking")
		return getComputedStyle(a).borderTopColor === getComputedStyle(b).borderTopColor
	})()`); same {
		t.Error("with forced colors no one sees who speaks")
	}
	ada.shot("forced")
	call(ada, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
	// 1280 pixels at 200 %.
	call(ada, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 640, Height: 400, DeviceScaleFactor: 2})
	ada.accessible("the meeting at 200 %")
	ada.shot("zoomed")
	if over := eval[float64](ada, `Math.max(document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll("button")].map((b) => b.getBoundingClientRect().bottom - innerHeight))`); over > 0 {
		t.Errorf("at 200 %% something is %v outside", over)
	}
	call(ada, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
	// The server goes away, and comes back without the meeting.
	server.Kill(t)
	ada.until("the loss", `document.querySelector(".bar.top:not([hidden])")?.textContent.includes("Reconnecting") && document.getElementById("status").textContent.includes("Reconnecting")`)
	ada.pictures("reconnecting")
	ada.press("Leave")
	ada.heading("You left the meeting")
	if got := focused(ada); got != "h1 You left the meeting" {
		t.Errorf("after leaving the focus is at %q", got)
	}
	ada.walk("Join again")
	ada.keys("\r")
	ada.heading("That didn't work")
	ada.pictures("failed")
	server.Restart(t)
	if _, err := h.EditPage(t.Context(), app.PageChange{Room: room, Off: true}); err != nil {
		t.Fatal(err)
	}
	ada.press("Try again")
	ada.until("the end of the address", `document.querySelector("[role=alert]")?.textContent.includes("no longer valid")`)
	ada.accessible("an address that is off")
}

// Up to 25 people, in every size of window: no tile is outside or over another one, all have the same size, and the last row is centred.
func TestTilesFitTheirRoom(t *testing.T) {
	h, server := onLiveKit(t)
	address := h.room("r", "livekit", false)
	m := h.start("r")
	ada := newTab(t, peers.Browser(t, nil))
	ada.do(navigate(address))
	ada.enter("Ada", "Join")
	names := []string{"Bartholomew Featherstonehaugh-Cholmondeley the Third of Somewhere", "渡辺 直美", "ليلى", "<b>Bob</b>", "👩‍🚀"}
	people := 1
	for _, n := range []int{1, 2, 3, 5, 8, 13, 25} {
		for ; people < n; people++ {
			server.Join(t, livekittest.Person{Room: m.PlatformRoom, Identity: fmt.Sprint("p", people), Name: names[people%len(names)]})
		}
		ada.until(fmt.Sprint(n, " people"), fmt.Sprintf(`document.querySelectorAll(".tile").length === %d`, n))
		for _, size := range [][2]int64{{320, 640}, {640, 360}, {1280, 800}, {3840, 2160}} {
			call(ada, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: size[0], Height: size[1], DeviceScaleFactor: 1})
			ada.until(fmt.Sprint(n, " tiles that fit ", size), `(() => {
				const room = document.querySelector(".tiles"), r = room.getBoundingClientRect()
				const all = [...document.querySelectorAll(".tile")].map((t) => t.getBoundingClientRect())
				const same = all.every((t) => Math.abs(t.width - all[0].width) < 1 && Math.abs(t.height - all[0].height) < 1)
				const inside = room.scrollWidth <= room.clientWidth && all.every((t) => t.left >= r.left && t.right <= r.right)
				const apart = all.every((a, i) => all.every((b, j) => i === j || a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top))
				const last = all.filter((t) => t.top === all.at(-1).top)
				const centred = Math.abs(last[0].left - room.offsetLeft + last.at(-1).right - room.offsetLeft - room.clientWidth) < 4
				return same && inside && apart && centred
			})()`)
		}
		call(ada, emulation.ClearDeviceMetricsOverride, cdp.Empty{})
	}
	ada.pictures("many")
}

// A page that isn't https gets no microphone and no camera from the browser, and says why.
func TestAPageWithoutTLS(t *testing.T) {
	const name = "page.example"
	h, server := onLiveKit(t, name)
	p := newTab(t, peers.Browser(t, map[string]any{"host-resolver-rules": "MAP " + name + " 127.0.0.1"}))
	address := h.room("r", "livekit", false)
	m := h.start("r")
	server.Join(t, livekittest.Person{Room: m.PlatformRoom, Identity: "bob", Name: "Bob"})
	p.do(navigate(strings.Replace(address, "127.0.0.1", name, 1)))
	p.enter("Ada", "Join")
	p.until("Bob, and the reason", `document.querySelectorAll(".tile").length === 2 && document.querySelector(".bar.top").textContent.includes("only on https pages")`)
	p.shot("without-tls")
}
