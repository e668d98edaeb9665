package sandbox

import (
	"fmt"
	"net/http"
	"time"

	"greenroom/provider"
)

// Daily serves Daily's API at the root, with or without /v1, and the pages and files that its answers link to.
func (w *World) Daily() http.Handler { return w.handler(dailyAPI()) }

func dailyAPI() *api {
	onRoom := on((*call).dailyRoom, dailyMissing("room"))
	onLive := on((*call).dailyLive, dailyMissing("room"))
	onMeeting := on((*call).gathering, dailyMissing("meeting"))
	onRecording := on((*call).dailyRecording, dailyMissing("recording"))
	onWebhook := on((*call).dailyHook, dailyMissing("webhook"))
	return &api{
		platform: provider.Daily,
		admit:    admitDaily,
		notFound: func(*call) answer { return dailyError(404, "not-found", "") },
		tooBig:   func() answer { return dailyError(400, "invalid-request-error", "the body is too large") },
		limited:  dailyLimited, malformed: dailyMalformed, failing: serverError,
		routes: []route{
			{method: "GET", pattern: "/", handle: dailyDomain},
			{method: "GET", pattern: "/rooms", handle: dailyListRooms},
			{method: "POST", pattern: "/rooms", body: dailyRoomBody(true), handle: dailyCreateRoom},
			{method: "GET", pattern: "/rooms/{}", handle: onLive(dailyGetRoom)},
			{method: "POST", pattern: "/rooms/{}", body: dailyRoomBody(false), handle: onLive(dailyUpdateRoom)},
			{method: "DELETE", pattern: "/rooms/{}", class: "delete-room", handle: onRoom(dailyDeleteRoom)},
			{method: "POST", pattern: "/rooms/{}/eject", body: dailyEjectBody, handle: onRoom(dailyEject)},
			{method: "GET", pattern: "/rooms/{}/presence", presence: true, handle: dailyRoomPresence},
			{method: "GET", pattern: "/presence", presence: true, handle: dailyPresence},
			{method: "GET", pattern: "/meetings", handle: dailyMeetings},
			{method: "GET", pattern: "/meetings/{}", handle: onMeeting(dailyMeeting)},
			{method: "GET", pattern: "/meetings/{}/participants", handle: onMeeting(dailyMeetingParticipants)},
			{method: "POST", pattern: "/meeting-tokens", body: dailyTokenBody(), handle: dailyCreateToken},
			{method: "GET", pattern: "/meeting-tokens/{}", handle: dailyGetToken},
			{method: "POST", pattern: "/rooms/{}/recordings/start", class: "start", body: dailyRecordingBody(), handle: onRoom(dailyStartRecording)},
			{method: "POST", pattern: "/rooms/{}/recordings/stop", body: dailyRecordingBody(), handle: onRoom(dailyStopRecording)},
			{method: "POST", pattern: "/rooms/{}/recordings/update", body: dailyRecordingBody(), handle: onRoom(dailyUpdateRecording)},
			{method: "GET", pattern: "/recordings", class: "list-recordings", handle: dailyListRecordings},
			{method: "GET", pattern: "/recordings/{}", handle: onRecording(dailyGetRecording)},
			{method: "DELETE", pattern: "/recordings/{}", handle: onRecording(dailyDeleteRecording)},
			{method: "GET", pattern: "/recordings/{}/access-link", handle: onRecording(dailyAccessLink)},
			{method: "GET", pattern: "/webhooks", handle: dailyListWebhooks},
			{method: "POST", pattern: "/webhooks", free: true, body: dailyWebhookBody(true), handle: dailyCreateWebhook},
			{method: "GET", pattern: "/webhooks/{}", handle: onWebhook(dailyGetWebhook)},
			{method: "POST", pattern: "/webhooks/{}", free: true, body: dailyWebhookBody(false), handle: dailyUpdateWebhook},
			{method: "DELETE", pattern: "/webhooks/{}", handle: onWebhook(dailyDeleteWebhook)},
		},
	}
}

// dailyError is Daily's error object (A1). info may be absent.
func dailyError(status int, code, info string) answer {
	body := map[string]any{"error": code}
	if info != "" {
		body["info"] = info
	}
	return answer{status: status, body: body}
}

func dailyInvalid(format string, args ...any) answer {
	return dailyError(400, "invalid-request-error", fmt.Sprintf(format, args...))
}

// dailyMissing returns the handler of a call whose path names nothing of a kind.
func dailyMissing(kind string) func(*call) answer {
	return func(c *call) answer { return dailyError(404, "not-found", kind+" "+c.params[0]+" not found") }
}

func dailyMalformed(err error) answer {
	if err == errNotJSON {
		return dailyError(400, "json-parsing-error", "the body is not valid JSON")
	}
	return dailyInvalid("%s", err)
}

func dailyLimited(after time.Duration) answer {
	a := dailyError(429, "rate-limit-error", "too many requests")
	if after > 0 {
		a.header = retryAfter(after)
	}
	return a
}

// admitDaily checks the key and the limits of the call's class (A1).
func admitDaily(c *call, rt route) *answer {
	key, shaped := bearer(c.r)
	if !shaped {
		return dailyError(400, "authorization-header-error", "bad Authorization header format").refusal()
	}
	if key != c.w.opt.DailyKey {
		return dailyError(401, "authentication-error", "").refusal()
	}
	n, span := 100, 5*time.Second
	switch rt.class {
	case "start":
		n = 5
	case "delete-room", "list-recordings":
		n, span = 50, 30*time.Second
	}
	if !c.w.within(rt.class, n, span, c.at) {
		return dailyLimited(0).refusal()
	}
	return nil
}

func dailyDomain(c *call) answer {
	return ok(map[string]any{
		"domain_name": c.w.opt.DailyDomain, "domain_id": domainID,
		"config": map[string]any{"lang": "en", "max_webhook_count": c.w.opt.MaxWebhooks},
	})
}

// domainID is Daily's id of the sandbox's customer.
const domainID = "6f1d3c1e-5a0b-4c0e-9a57-0c0de0d0a111"
