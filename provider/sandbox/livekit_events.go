package sandbox

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/provider"
)

// announceLiveKit sends an event about a room, and perhaps one of its people or a recording. Zero values are left out, integers of 64
// bits are texts, and times are whole seconds.
func (w *World) announceLiveKit(kind string, r *room, s *stay, egress map[string]any, at time.Time) {
	m := map[string]any{"event": kind, "createdAt": text10(at.Unix())}
	if r != nil {
		m["room"] = camel(w.livekitRoom(r))
		delete(m["room"].(map[string]any), "numParticipants")
		delete(m["room"].(map[string]any), "numPublishers")
	}
	if s != nil {
		who := livekitParticipant(s)
		delete(who, "tracks")
		if !s.here() {
			who["state"], who["disconnect_reason"] = "DISCONNECTED", livekitReason(s.reason)
		}
		m["participant"] = camel(who)
	}
	if egress != nil {
		m["egressInfo"] = egress
	}
	w.emitLiveKit(kind, m, at)
}

// emitLiveKit sends an event with a new id.
func (w *World) emitLiveKit(kind string, m map[string]any, at time.Time) {
	id := w.livekitID("EV_")
	m["id"] = id
	body := compact(m)
	w.emit(provider.LiveKit, kind, id, body, func() (string, []byte) { return id, body }, at)
}

// camel converts an answer to the form of webhooks: camelCase, without zero values. The first value of an enumeration is a zero.
func camel(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, one := range v {
			if name == "attributes" {
				if m, _ := one.(map[string]any); len(m) > 0 {
					out[name] = m
				}
				continue
			}
			if one = camel(one); !isZero(one) {
				out[camelName(name)] = one
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, one := range v {
			out = append(out, camel(one))
		}
		return out
	}
	return v
}

func isZero(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		switch v {
		case "", "0", "AUDIO", "STANDARD", "UNKNOWN_REASON", "EGRESS_STARTING", "EGRESS_SOURCE_TYPE_WEB", "NONE":
			return true
		}
	case bool:
		return !v
	case int:
		return v == 0
	case int64:
		return v == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func camelName(name string) string {
	parts := strings.Split(name, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// signLiveKit returns a webhook's token (F): five minutes, with the hash of the body. It comes without "Bearer".
func signLiveKit(key, secret string, at time.Time, body []byte) (string, error) {
	sum := sha256.Sum256(body)
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": key, "nbf": at.Unix(), "iat": at.Unix(), "exp": at.Add(5 * time.Minute).Unix(),
		"sha256": base64.StdEncoding.EncodeToString(sum[:]),
	}).SignedString([]byte(secret))
}

// settleLiveKit applies LiveKit's delivery rules to an attempt (F): failures are tried again after 1, 2 and 4 seconds.
func settleLiveKit(m *message, status int, err error) time.Duration {
	if err == nil && status < 500 && status != 429 || m.tries > 3 {
		return 0
	}
	return time.Duration(1<<(m.tries-1)) * time.Second
}
