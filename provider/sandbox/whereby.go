package sandbox

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
)

// Whereby serves Whereby's API at the root, with or without /v1, and the pages and files that its answers link to.
func (w *World) Whereby() http.Handler { return w.handler(wherebyAPI()) }

func wherebyAPI() *api {
	onRecording := on((*call).wherebyRecording, wherebyMissing)
	a := &api{
		platform: provider.Whereby,
		admit:    admitWhereby,
		notFound: wherebyMissing,
		tooBig:   func() answer { return wherebyError(413, "Payload too large") },
		limited:  wherebyLimited, malformed: func(err error) answer { return wherebyError(400, err.Error()) },
		failing: serverError,
		headers: func(c *call) http.Header { return c.w.pointHeaders(c.at) },
		routes: []route{
			{method: "POST", pattern: "/meetings", body: wherebyMeetingBody(), handle: wherebyCreate},
			{method: "GET", pattern: "/meetings", handle: wherebyList},
			{method: "GET", pattern: "/meetings/{}", handle: wherebyGet},
			{method: "DELETE", pattern: "/meetings/{}", handle: wherebyDelete},
			{method: "GET", pattern: "/insights/rooms", handle: wherebyInsightRooms},
			{method: "GET", pattern: "/insights/room-sessions", presence: true, handle: wherebySessions},
			{method: "GET", pattern: "/insights/participants", presence: true, handle: wherebyParticipants},
			{method: "GET", pattern: "/insights/participant", presence: true, handle: wherebyParticipant},
			{method: "GET", pattern: "/recordings", handle: wherebyRecordings},
			{method: "POST", pattern: "/recordings/bulk-delete", body: schema{"recordingIds": {shape: isTexts, required: true}}, handle: wherebyBulkDelete},
			{method: "GET", pattern: "/recordings/{}", handle: onRecording(wherebyGetRecording)},
			{method: "DELETE", pattern: "/recordings/{}", handle: wherebyDeleteRecording},
			{method: "GET", pattern: "/recordings/{}/access-link", handle: onRecording(wherebyAccessLink)},
		},
	}
	named := func(c *call) (*room, bool) { return c.w.find(provider.Whereby, c.params[0]) }
	for _, what := range []string{"logo", "room-background", "room-knock-page-background"} {
		handle := on(named, wherebyMissing)(wherebyTheme(what))
		// Whether the name includes its leading slash is not documented (B3): both are accepted.
		a.routes = append(a.routes,
			route{method: "PUT", pattern: "/rooms/{}/theme/" + what, handle: handle},
			route{method: "PUT", pattern: "/rooms//{}/theme/" + what, handle: handle})
	}
	return a
}

func wherebyMissing(*call) answer { return wherebyError(404, "Not found") }

// wherebyError is an error in the sandbox's form: Whereby documents only the 429's (B1).
func wherebyError(status int, words string) answer {
	return answer{status: status, body: map[string]any{"error": words}}
}

func wherebyLimited(after time.Duration) answer {
	after = cmp.Or(max(after, 0), time.Second)
	return answer{
		status: 429,
		header: retryAfter(after),
		body: map[string]any{
			"error": "Rate limit active for throttle key: organization:7",
			"data":  map[string]any{"msLeft": after.Milliseconds()},
		},
	}
}

// admitWhereby checks the key and charges the call's points: read 1, delete 2, write 3 (B1).
func admitWhereby(c *call, rt route) *answer {
	key, shaped := bearer(c.r)
	if !shaped || key != c.w.opt.WherebyKey {
		return wherebyError(401, "Unauthorized").refusal()
	}
	points := 1
	switch rt.method {
	case http.MethodDelete:
		points = 2
	case http.MethodPost, http.MethodPut:
		points = 3
	}
	if _, until, fine := c.w.spend(points, c.at); !fine {
		a := wherebyLimited(until.Sub(c.at))
		maps.Copy(a.header, c.w.pointHeaders(c.at))
		return &a
	}
	return nil
}

func (w *World) pointHeaders(at time.Time) http.Header {
	left, until, _ := w.spend(0, at)
	return http.Header{
		"X-Ratelimit-Limit": {strconv.Itoa(w.opt.WherebyPoints)}, "X-Ratelimit-Remaining": {strconv.Itoa(left)},
		"X-Ratelimit-Reset": {until.UTC().Format(http.TimeFormat)},
	}
}

// wherebyPage is the envelope of Whereby's lists. The cursor is the place in the list, opaque to callers.
func wherebyPage[T any](c *call, all []T, def int, show func(T) any) answer {
	limit, fine := limitOf(c.query.Get("limit"), def, 100)
	if !fine {
		return wherebyError(400, "limit must be a number from 1 to 100")
	}
	from := 0
	if cursor := c.query.Get("cursor"); cursor != "" {
		n, err := strconv.ParseUint(strings.TrimPrefix(cursor, "c"), 36, 31)
		if err != nil || int(n) > len(all) {
			return wherebyError(400, "invalid cursor")
		}
		from = int(n)
	}
	to := min(from+limit, len(all))
	results := make([]any, 0, to-from)
	for _, t := range all[from:to] {
		results = append(results, show(t))
	}
	var next any
	if to < len(all) {
		next = "c" + strconv.FormatUint(uint64(to), 36)
	}
	return ok(map[string]any{"results": results, "cursor": next})
}
