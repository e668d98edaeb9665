package sandbox

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"strings"

	"greenroom/internal/plain"
	"greenroom/provider"
)

const (
	joinHead = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>%[1]s in the Greenroom sandbox</title>
<style>
body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:4rem auto;padding:0 1rem;background:#fff;color:#123}
@media(prefers-color-scheme:dark){body{background:#111;color:#dde}}
.room{font-family:ui-monospace,monospace}
</style>
<p>This is Greenroom's sandbox, not %[2]s. No camera, no microphone: the people are simulated.</p>
<h1 class="room">%[1]s</h1>
`
	// joinScript sends the messages of a platform's frame to the page around it, as far as the platforms' libraries need them: that
	// the person has joined, and with the button that they left.
	joinScript = `
const tell = (m) => parent !== window && parent.postMessage(m, "*");
const daily = (action, more) => tell({what: "iframe-call-message", from: "embedded", action, ...more});
addEventListener("message", (e) => {
  if (e.data && e.data.action === "join-meeting") {
    document.getElementById("as").textContent = e.data.properties && e.data.properties.userName || "";
    daily("joined-meeting", {participants: {local: {session_id: "sandbox", local: true}}});
  } else if (e.data && e.data.action === "leave-meeting") daily("left-meeting");
});
document.getElementById("leave").addEventListener("click", () => { daily("left-meeting"); tell({type: "leave", payload: {removed: false}}); });
daily("loaded");
tell({type: "join", payload: {}});
`
	joinLeave = "<p id=\"as\"></p><button id=\"leave\">Leave</button><script>" + joinScript + "</script>\n"
	joinGone  = "<p>This room does not exist any more.</p>\n"
)

// joinView is the content of the page behind a link.
type joinView struct {
	Platform, Room                string
	Gone, Host, Locked, Recording bool
	People                        []string
}

// page returns the view as HTML. It doesn't use a template, which calls methods by name, so the linker would keep every method of
// every type in the program.
func (v joinView) page() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, joinHead, html.EscapeString(v.Room), html.EscapeString(v.Platform))
	if v.Gone {
		b.WriteString(joinGone)
		return b.Bytes()
	}
	b.WriteString("<p>")
	switch {
	case v.Host:
		b.WriteString("You hold the host's link.")
	case v.Locked:
		b.WriteString("You hold a guest's link. The room is locked: you would knock.")
	default:
		b.WriteString("You hold a guest's link.")
	}
	if v.Recording {
		b.WriteString("\nIt is being recorded.")
	}
	b.WriteString("</p>\n" + joinLeave)
	if len(v.People) == 0 {
		b.WriteString("<p>No one is here.</p>\n")
		return b.Bytes()
	}
	b.WriteString("<h2>Here now</h2><ul>")
	for _, p := range v.People {
		fmt.Fprintf(&b, "<li>%s</li>", html.EscapeString(p))
	}
	b.WriteString("</ul>\n")
	return b.Bytes()
}

// serveJoin shows who is in a room behind a guest's or a host's link.
func (w *World) serveJoin(rw http.ResponseWriter, r *http.Request) {
	platform, name, found := strings.Cut(strings.TrimPrefix(r.URL.Path, "/join/"), "/")
	token := r.URL.Query().Get("t")
	if platform == string(provider.LiveKit) {
		// The link is the same for all rooms: the token names the room.
		token = r.URL.Query().Get("token")
		claims, why := w.livekitToken(token, w.Now())
		name, found = claims.Video.Room, why == ""
	}
	p, err := platformOf(platform)
	if !found || err != nil || name == "" {
		http.NotFound(rw, r)
		return
	}
	v := joinView{Platform: platform, Room: plain.Text(name)}
	at := w.lock()
	room, there := w.find(p, name)
	v.Gone = !there || room.expired(at)
	if !v.Gone {
		v.Locked = room.locked
		if key := r.URL.Query().Get("roomKey"); key != "" {
			v.Host = key == room.whereby.hostKey
		}
		if token != "" {
			grant, err := w.redeemAny(token, room, at)
			v.Host = err == nil && grant.owner
		}
		for _, s := range room.here() {
			v.People = append(v.People, plain.Text(cmp.Or(s.person.Name, "("+s.person.role()+")")))
		}
		v.Recording = room.recording()
	}
	w.unlock()
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"+scriptHash()+"'")
	rw.Header().Set("Referrer-Policy", "no-referrer")
	if v.Gone {
		rw.WriteHeader(http.StatusNotFound)
	}
	// The browser may have disconnected; there is no one to report to.
	_, _ = rw.Write(v.page())
}

// withPages serves the targets of links, and passes everything else on.
func (w *World) withPages(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		get := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case get && strings.HasPrefix(r.URL.Path, "/join/"):
			w.serveJoin(rw, r)
		case get && strings.HasPrefix(r.URL.Path, "/files/"):
			w.serveFile(rw, r)
		default:
			next(rw, r)
		}
	})
}

// Handler serves everything: Daily's API under /daily/v1, Whereby's under /whereby/v1, LiveKit's under /livekit, the pages under
// /join/, the recordings under /files/, and the control API under /sandbox/.
func (w *World) Handler() http.Handler {
	daily, whereby, livekit := dailyAPI(), wherebyAPI(), livekitAPI()
	apis := map[string]func(http.ResponseWriter, *http.Request){
		"/daily/":   func(rw http.ResponseWriter, r *http.Request) { w.serve(daily, rw, r) },
		"/whereby/": func(rw http.ResponseWriter, r *http.Request) { w.serve(whereby, rw, r) },
		"/livekit/": func(rw http.ResponseWriter, r *http.Request) { w.serve(livekit, rw, r) },
		"/sandbox/": w.serveControl,
	}
	// A ServeMux would clean the // of a Whereby room's name away.
	return w.withPages(func(rw http.ResponseWriter, r *http.Request) {
		for prefix, serve := range apis {
			if strings.HasPrefix(r.URL.EscapedPath(), prefix) {
				http.StripPrefix(strings.TrimSuffix(prefix, "/"), http.HandlerFunc(serve)).ServeHTTP(rw, r)
				return
			}
		}
		http.NotFound(rw, r)
	})
}

// scriptHash names the one script that the page may run.
func scriptHash() string {
	sum := sha256.Sum256([]byte(joinScript))
	return base64.StdEncoding.EncodeToString(sum[:])
}
