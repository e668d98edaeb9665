package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/provider"
)

// LiveKit serves LiveKit's API at the root, and the pages that links lead to.
func (w *World) LiveKit() http.Handler { return w.handler(livekitAPI()) }

// livekitAPI returns LiveKit's API. A real server ignores unknown fields in bodies; the sandbox refuses them, as for the other
// platforms.
func livekitAPI() *api {
	const rooms, egress = "/twirp/livekit.RoomService/", "/twirp/livekit.Egress/"
	onRoom := on((*call).livekitRoom, livekitMissing)
	return &api{
		platform: provider.LiveKit,
		admit:    admitLiveKit,
		notFound: func(c *call) answer {
			a := livekitError("bad_route", `no handler for path "`+c.r.URL.Path+`"`)
			a.body.(map[string]any)["meta"] = map[string]any{"twirp_invalid_route": c.r.Method + " " + c.r.URL.Path}
			return a
		},
		tooBig: func() answer { return livekitError("malformed", "the json request could not be decoded") },
		malformed: func(err error) answer {
			return livekitError("malformed", "the json request could not be decoded: "+err.Error())
		},
		limited: func(after time.Duration) answer {
			a := livekitError("resource_exhausted", "rate limit exceeded")
			if after > 0 {
				a.header = retryAfter(after)
			}
			return a
		},
		failing: livekitTrouble,
		routes: []route{
			{method: "POST", pattern: rooms + "CreateRoom", class: "create", body: schema{
				"name": {shape: isText}, "empty_timeout": {shape: isInt}, "departure_timeout": {shape: isInt},
				"max_participants": {shape: isInt}, "metadata": {shape: isText},
			}, handle: livekitCreate},
			{method: "POST", pattern: rooms + "DeleteRoom", class: "create", body: schema{"room": {shape: isText}}, handle: onRoom(livekitDelete)},
			{method: "POST", pattern: rooms + "ListRooms", class: "list", presence: true, body: schema{"names": {shape: isTexts}}, handle: livekitList},
			{method: "POST", pattern: rooms + "ListParticipants", class: "admin", presence: true, body: schema{"room": {shape: isText}}, handle: livekitPeople},
			{method: "POST", pattern: rooms + "RemoveParticipant", class: "admin", body: schema{"room": {shape: isText}, "identity": {shape: isText}}, handle: livekitRemove},
			{method: "POST", pattern: rooms + "MutePublishedTrack", class: "admin", body: schema{
				"room": {shape: isText}, "identity": {shape: isText}, "track_sid": {shape: isText}, "muted": {shape: isBool},
			}, handle: livekitMute},
			{method: "POST", pattern: rooms + "UpdateRoomMetadata", class: "admin", body: schema{"room": {shape: isText}, "metadata": {shape: isText}}, handle: onRoom(livekitMetadata)},
			{method: "POST", pattern: egress + "ListEgress", class: "record", body: schema{
				"room_name": {shape: isText}, "egress_id": {shape: isText}, "active": {shape: isBool}, "page_token": {shape: isObject},
			}, handle: livekitListEgress},
			{method: "POST", pattern: egress + "StopEgress", class: "record", body: schema{"egress_id": {shape: isText}}, handle: livekitStopEgress},
			{method: "POST", pattern: egress + "StartRoomCompositeEgress", class: "record", body: schema{
				"room_name": {shape: isText}, "layout": {shape: isText}, "file_outputs": {shape: isList}, "webhooks": {shape: isList},
				"audio_only": {shape: isBool},
			}, handle: onRoom(livekitStartComposite)},
			{method: "POST", pattern: egress + "StartTrackEgress", class: "record", body: schema{
				"room_name": {shape: isText}, "track_id": {shape: isText}, "file": {shape: isObject}, "webhooks": {shape: isList},
			}, handle: onRoom(livekitStartTrack)},
			{method: "POST", pattern: egress + "StartWebEgress", class: "record", handle: func(*call) answer {
				return livekitError("invalid_argument", "twirp error unknown: request has missing or invalid field: url")
			}},
		},
	}
}

// twirpStatus are the statuses of Twirp's codes.
var twirpStatus = map[string]int{
	"bad_route": 404, "not_found": 404, "unauthenticated": 401, "permission_denied": 403, "invalid_argument": 400, "malformed": 400,
	"failed_precondition": 412, "resource_exhausted": 429, "unavailable": 503, "internal": 500, "deadline_exceeded": 408,
}

// livekitError is an error in Twirp's form.
func livekitError(code, msg string) answer {
	return answer{status: twirpStatus[code], body: map[string]any{"code": code, "msg": msg}}
}

// livekitTrouble is the answer of a failing server, 503 when no other part of it answers.
func livekitTrouble(status int) answer {
	switch status {
	case 503:
		return livekitError("unavailable", "twirp error unknown: no response from servers")
	case 500:
		return livekitError("internal", "twirp error unknown: internal error")
	}
	return answer{status: status, body: map[string]any{"code": "internal", "msg": "twirp error unknown: internal error"}}
}

// livekitMissing is the refusal of a room that doesn't exist.
func livekitMissing(*call) answer {
	return livekitError("not_found", "twirp error unknown: requested room does not exist")
}

// livekitRoom finds the room that the body names.
func (c *call) livekitRoom() (*room, bool) {
	return c.w.find(provider.LiveKit, text(c.in, "room")+text(c.in, "room_name"))
}

// livekitClaims is the content of a token (F).
type livekitClaims struct {
	jwt.RegisteredClaims
	Name  string `json:"name"`
	Video struct {
		RoomCreate bool   `json:"roomCreate"`
		RoomList   bool   `json:"roomList"`
		RoomRecord bool   `json:"roomRecord"`
		RoomAdmin  bool   `json:"roomAdmin"`
		RoomJoin   bool   `json:"roomJoin"`
		Room       string `json:"room"`
	} `json:"video"`
	Attributes map[string]string `json:"attributes"`
}

// livekitToken verifies a token. The refusal is text, not JSON.
func (w *World) livekitToken(token string, at time.Time) (livekitClaims, string) {
	var c livekitClaims
	unverified, _, err := jwt.NewParser().ParseUnverified(token, &livekitClaims{})
	if err != nil {
		return c, "invalid authorization token"
	}
	if key, _ := unverified.Claims.GetIssuer(); key != w.opt.LiveKitKey {
		return c, "invalid API key"
	}
	_, err = jwt.NewParser(
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired(), jwt.WithLeeway(time.Minute),
		jwt.WithTimeFunc(func() time.Time { return at }),
	).ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return []byte(w.opt.LiveKitSecret), nil })
	if err != nil {
		return c, "invalid token: " + token + ", error: " + err.Error() // an older server repeats the token
	}
	return c, ""
}

// redeemAny checks a token against a room of any platform.
func (w *World) redeemAny(token string, r *room, at time.Time) (tokenGrant, error) {
	if r.platform == provider.LiveKit {
		return w.redeemLiveKit(token, r.name, at)
	}
	return w.redeem(token, r, at)
}

// redeemLiveKit checks a token with which a person joins a room.
func (w *World) redeemLiveKit(token, room string, at time.Time) (tokenGrant, error) {
	c, why := w.livekitToken(token, at)
	if why != "" || !c.Video.RoomJoin || c.Video.Room != room || c.Subject == "" {
		return tokenGrant{}, ErrToken
	}
	return tokenGrant{owner: c.Video.RoomAdmin, userName: c.Name, userID: c.Subject}, nil
}

// admitLiveKit checks a call's token, and its grants before the call is even parsed.
func admitLiveKit(c *call, rt route) *answer {
	unknown := func(words string) *answer { return &answer{status: 401, text: words} }
	token, shaped := bearer(c.r)
	if !shaped {
		return unknown("invalid authorization header. Must start with Bearer")
	}
	claims, why := c.w.livekitToken(token, c.at)
	if why != "" {
		return unknown(why)
	}
	v, may := claims.Video, true
	switch rt.class {
	case "create":
		may = v.RoomCreate
	case "list":
		may = v.RoomList
	case "record":
		may = v.RoomRecord
	case "admin":
		body, err := parseBody(c.body, rt.body)
		may = v.RoomAdmin && (err != nil || text(body, "room") == v.Room)
	}
	if !may {
		return livekitError("unauthenticated", "permissions denied").refusal()
	}
	return nil
}

// livekitID returns an id with a prefix: RM_ for rooms, PA_ for participants, TR_ for tracks, EG_ for egress, EV_ for events.
func (w *World) livekitID(prefix string) string { return prefix + w.word(12, alphanumeric) }

// livekitTrackState is a track that a participant sends.
type livekitTrackState struct {
	sid, kind string // kind: AUDIO or VIDEO
	muted     bool
}

// livekitIdentity returns a person's identity. A new stay ends an earlier one with the same identity.
func (s *stay) livekitIdentity() string {
	return cmp.Or(s.person.UserID, "guest-"+strings.ToLower(strings.TrimPrefix(s.id, "PA_")))
}

// livekitEnter does LiveKit's part of joining: it adds tracks, and ends another stay of the same identity.
func (w *World) livekitEnter(s *stay, at time.Time) {
	if !s.person.bot() {
		s.tracks = []*livekitTrackState{{sid: w.livekitID("TR_"), kind: "AUDIO"}, {sid: w.livekitID("TR_"), kind: "VIDEO"}}
	}
	for _, o := range s.room.here() {
		if o != s && o.livekitIdentity() == s.livekitIdentity() {
			w.leave(o, "moved", at)
		}
	}
}

// livekitReasons maps the sandbox's reasons of leaving to LiveKit's.
var livekitReasons = map[string]string{
	"": "CLIENT_INITIATED", "left": "CLIENT_INITIATED", "connection lost": "CONNECTION_TIMEOUT", "ejected": "PARTICIPANT_REMOVED",
	"room closed": "ROOM_DELETED", "moved": "DUPLICATE_IDENTITY", "failed to connect": "JOIN_FAILURE",
}

// livekitReason returns LiveKit's word for a reason, which may be one already.
func livekitReason(reason string) string {
	if word, known := livekitReasons[reason]; known {
		return word
	}
	if reason == strings.ToUpper(reason) {
		return reason
	}
	return "UNKNOWN_REASON"
}

// livekitKind returns the kind of a participant.
func (p Person) livekitKind() string {
	switch {
	case p.Role == "recorder", p.Role == "streamer":
		return "EGRESS"
	case p.Role == "captioner":
		return "AGENT"
	case slices.Contains([]string{"SIP", "INGRESS", "CONNECTOR", "BRIDGE"}, p.Role):
		return p.Role
	}
	return "STANDARD"
}
