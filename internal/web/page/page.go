// Package page serves the page of a room, where guests join meetings on any platform.
//
// Its path is /r/{room}-{token}; only the token matters. The document and /state have what a guest must know before they
// consent, but not the meeting's address or a key to it. Only the response of /enter has those, for a guest who may enter. The page
// sets no cookies, and its policy allows only the code, styles and connections of the page and of the platforms.
//
// The sources are in src, the built files in dist, and the same files, compressed for the program, in packed (go generate). A test
// compares them.
package page

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/bounds"
	"greenroom/provider"
)

// Prefix is the beginning of the paths of all pages.
const Prefix = "/r/"

const (
	// maxBody is the largest body that is read.
	maxBody = 4 << 10
	// enterTime limits an entry, including the call to the platform.
	enterTime = 25 * time.Second
	// reading is how many bodies are read at a time.
	reading = 64
)

// pace is the pace of a body, which is small.
var pace = bounds.Pace{Grace: 5 * time.Second}

// token matches the end of a page's address.
var token = regexp.MustCompile(`^[A-Za-z0-9_-]{0,100}?-?([a-z2-7]{26})$`)

// Options configure a [Handler].
type Options struct {
	Backend app.Pages
	// Now is the clock of the limits, time.Now if nil.
	Now func() time.Time
	Log *slog.Logger
}

// Handler serves pages. It is safe for concurrent use.
type Handler struct {
	opt    Options
	limits limits
	bodies *bounds.Places
	queue  *queue
}

// New returns a Handler.
func New(o Options) *Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	return &Handler{opt: o, bodies: bounds.NewPlaces(reading), queue: newQueue()}
}

// ServePage answers a request. If there is no such page it writes nothing and returns false, unless the sender has tried too many.
// sender is the guest's address, empty if unknown.
func (h *Handler) ServePage(w http.ResponseWriter, r *http.Request, sender string) bool {
	segment, rest, below := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	parts := token.FindStringSubmatch(segment)
	if parts == nil || below && rest == "" {
		return h.unknown(w, r, sender)
	}
	ref := app.PageRef{Token: parts[1]}
	view, err := h.opt.Backend.Page(r.Context(), ref)
	if errors.Is(err, provider.NotFound) {
		return h.unknown(w, r, sender)
	}
	secure(w.Header())
	method := http.MethodGet
	if rest == "enter" {
		method = http.MethodPost
	}
	switch {
	case r.Method != method && !(method == http.MethodGet && r.Method == http.MethodHead):
		w.Header().Set("Allow", method)
		bounds.Unread(w, r)
		h.refuse(w, http.StatusMethodNotAllowed, "use "+method)
	case err != nil:
		bounds.Unread(w, r)
		h.fail(w, err)
	case rest == "":
		h.document(w, r, segment, view)
	case rest == "state":
		h.write(w, http.StatusOK, public(view))
	case rest == "enter":
		h.enter(w, r, ref.Token, sender)
	default:
		return serveFile(w, r, rest)
	}
	return true
}

// unknown handles a request for a page that doesn't exist. Beyond a limit it answers 429.
func (h *Handler) unknown(w http.ResponseWriter, r *http.Request, sender string) bool {
	if h.limits.take("guess "+sender, maxGuesses, h.opt.Now()) {
		return false
	}
	bounds.Unread(w, r)
	h.tooMany(w)
	return true
}

// secure sets the headers of every answer.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "strict-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
}

// policy is the Content-Security-Policy of the document.
func policy(v app.PageView) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' " + elementStyle + "; img-src 'self' data: blob:; media-src 'self' blob:; " +
		"connect-src " + sources("'self'", v.Connects) + "; frame-src " + sources("", v.Frames) +
		"; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}

// sources joins content sources. It omits invalid ones, which could end the directive.
func sources(first string, list []string) string {
	out := first
	for _, s := range list {
		if !strings.ContainsAny(s, " ;,'\"\r\n\t") && s != "" {
			out += " " + s
		}
	}
	if out = strings.TrimSpace(out); out == "" {
		return "'none'"
	}
	return out
}

// publicView is all that a guest's browser gets before consent.
type publicView struct {
	Room     string        `json:"room"`
	State    app.PageState `json:"state"`
	By       string        `json:"by,omitempty"`
	Recorded bool          `json:"recorded"`
	Ask      bool          `json:"ask"`
	Meeting  string        `json:"meeting,omitempty"`
	StartsAt app.Time      `json:"starts_at"`
}

func public(v app.PageView) publicView {
	return publicView{v.Room, v.State, v.By, v.Recorded, v.Ask, v.Meeting, v.StartsAt}
}

// document writes the page. It doesn't use a template package, which would make the linker keep every method of every type.
func (h *Handler) document(w http.ResponseWriter, r *http.Request, segment string, v app.PageView) {
	view, err := json.Marshal(public(v))
	if err != nil { // plain values always encode
		h.fail(w, err)
		return
	}
	bounds.Send(w, r, 0)
	w.Header().Set("Content-Security-Policy", policy(v))
	w.Header().Set("Permissions-Policy", "geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=()")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	// The browser may be gone; there is no one to report to.
	_, _ = io.WriteString(w, strings.NewReplacer("{{title}}", html.EscapeString(v.Room), "{{base}}", segment, "{{view}}",
		html.EscapeString(string(view))).Replace(index()))
}

// entry is the body of an entry.
type entry struct {
	Visit   string `json:"visit"`
	Name    string `json:"name"`
	Consent string `json:"consent"`
	Host    string `json:"host"`
}

// entered is the answer to an entry.
type entered struct {
	publicView
	Component string `json:"component,omitempty"`
	URL       string `json:"url,omitempty"`
	Access    string `json:"access,omitempty"`
	Guest     string `json:"guest,omitempty"`
	Name      string `json:"name,omitempty"`
}

// readEntry reads and parses the body of an entry. A slow sender gives way to the next one.
func (h *Handler) readEntry(w http.ResponseWriter, r *http.Request) (e entry, status int, problem string) {
	body := bounds.NewBody(w, r.Body, pace)
	place := h.bodies.Enter(body)
	if place == nil {
		return e, http.StatusServiceUnavailable, busy
	}
	defer place.Leave()
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case errors.Is(err, bounds.ErrGaveWay):
		return e, http.StatusServiceUnavailable, busy
	case err != nil:
		return e, http.StatusBadRequest, "the request did not arrive completely"
	case len(raw) > maxBody:
		return e, http.StatusBadRequest, "the request is too large"
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return e, http.StatusBadRequest, "the request is not a guest's JSON object"
	}
	return e, 0, ""
}

const busy = "Many guests are joining. Try again in a moment."

// enter stores a guest's answer, and lets them in.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, page, sender string) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if site := r.Header.Get("Sec-Fetch-Site"); err != nil || kind != "application/json" || site != "" && site != "same-origin" {
		bounds.Unread(w, r)
		h.refuse(w, http.StatusUnsupportedMediaType, "entries are JSON, from the page itself")
		return
	}
	e, status, problem := h.readEntry(w, r)
	if problem != "" {
		bounds.Unread(w, r)
		h.refuse(w, status, problem)
		return
	}
	bounds.Patient(w)
	ctx, cancel := context.WithTimeout(r.Context(), enterTime)
	defer cancel()
	leave := h.queue.enter(ctx, page)
	if leave == nil {
		h.refuse(w, http.StatusServiceUnavailable, busy)
		return
	}
	defer leave()
	now := h.opt.Now()
	token, store := tokens(page, sender, e.Host != ""), stored(page, sender)
	free, room := h.limits.begin(token, now), h.limits.begin(store, now)
	out, err := h.opt.Backend.EnterPage(ctx, app.PageEntry{
		Token: page, Visit: e.Visit, Name: e.Name, Consent: e.Consent, Host: e.Host, Unchanged: !room, Full: !free,
	})
	if room && !out.Stored {
		h.limits.undo(store)
	}
	if free && out.URL == "" { // nothing was handed out
		h.limits.undo(token)
	}
	if err != nil {
		h.fail(w, err)
		return
	}
	h.write(w, http.StatusOK, entered{public(out.PageView), out.Component, out.URL, out.Access, out.Guest, out.Name})
}

// problem is the body of a failure.
type problem struct {
	Error string `json:"error"`
}

// fail answers with an error in the guest's words. The platform's own words are for the host's log.
func (h *Handler) fail(w http.ResponseWriter, err error) {
	const unavailable = "The meeting can't be opened now. Try again in a moment, or ask the host."
	status, text := http.StatusServiceUnavailable, unavailable
	ours := app.AsError(err)
	switch ours.Kind {
	case provider.NotFound:
		text = "The meeting no longer exists. Ask the host."
	case provider.Invalid:
		status, text = http.StatusBadRequest, sentence(ours)
	case provider.Forbidden:
		status, text = http.StatusForbidden, sentence(ours)
	case provider.RateLimited:
		status, text = http.StatusTooManyRequests, "Too many guests are joining. Try again in a minute."
		w.Header().Set("Retry-After", "60")
	}
	var platform *provider.Error
	if errors.As(err, &platform) { // about the host's account
		status, text = http.StatusServiceUnavailable, unavailable
	}
	if status == http.StatusServiceUnavailable && !errors.Is(err, context.Canceled) {
		h.opt.Log.Warn("a guest could not enter", "err", err)
	}
	h.refuse(w, status, text)
}

// sentence returns an error's text and hint as sentences.
func sentence(e *app.Error) string {
	text := capital(e.Text) + "."
	if e.Hint != "" {
		text += " " + capital(e.Hint) + "."
	}
	return text
}

func capital(s string) string { return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):] }

func (h *Handler) tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(int(window/time.Second)))
	h.refuse(w, http.StatusTooManyRequests, "Too many attempts. Wait a few minutes.")
}

func (h *Handler) refuse(w http.ResponseWriter, status int, text string) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	h.write(w, status, problem{text})
}

func (h *Handler) write(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // plain values always encode
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer can't be encoded"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // as in document
}
