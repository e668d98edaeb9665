package providertest

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/provider"
)

// tripper makes a function an http.RoundTripper.
type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// FuzzAnswers feeds arbitrary answers of a platform, or of an intermediary, to every reading call. None may panic, an error must
// have a kind, and only a JSON object or array may ever mean an empty room.
func FuzzAnswers(f *testing.F, platform provider.Platform, open Open) {
	for _, body := range []string{
		`{"total_count":1,"data":[{"room":"r","id":"s","userName":"Ann","joinTime":"2025-06-15T12:00:03.000Z","duration":42}]}`,
		`{"results":[{"roomSessionId":"s","startedAt":"2025-06-15T12:00:03.000Z","endedAt":null}],"cursor":null}`,
		`{"results":[{"participantId":"p","roomSessionId":"s","displayName":null,"joinedAt":1750000000.5}],"cursor":"x"}`,
		`{"name":"r","url":"https://x.daily.co/r","config":{"exp":1e300}}`, `{"meetingId":"1","roomName":"/r","roomUrl":"https://x"}`,
		`{"error":"not-found"}`, `<html>`, `[]`, `null`, `{"data":null}`, `{"total_count":-1,"data":[null,1,"x"]}`, `{"token":"\u0000"}`,
		`{"rooms":[{"sid":"RM_1","name":"r","metadata":"{\"greenroom\":{\"until\":1e18,\"nonce\":\"n\"}}","creation_time":"1750000000"}]}`,
		`{"participants":[{"sid":"PA_1","identity":"a","state":"ACTIVE","kind":"SIP","joinedAtMs":"1750000000123","tracks":[{"sid":"TR_1"}]}]}`,
		`{"items":[{"egress_id":"EG_1","room_name":"r","status":"EGRESS_ABORTED","track":{"track_id":"TR_1"},"file_results":[{"size":"1"}]}]}`,
		`{"code":"not_found","msg":"requested room does not exist"}`,
	} {
		f.Add(200, []byte(body))
		f.Add(404, []byte(body))
		f.Add(401, []byte(`{"error":"key-of-the-account","info":"Bearer key-of-the-account"}`))
	}
	a := provider.Account{Name: string(platform), Platform: platform, APIURL: "https://platform.example/v1", APIKey: "key-of-the-account",
		APISecret: "secret-of-the-account"}
	m := provider.Meeting{ID: "1", Room: "r", GuestURL: "https://x.example/r"}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 599 {
			return
		}
		same := tripper(func(r *http.Request) (*http.Response, error) {
			return answering(status, "application/json", string(body))(r, nil)
		})
		p, err := open(a, same, NewClock(time.Unix(1750000000, 0)))
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		here, err := p.Presence(ctx, m)
		if err == nil && len(here) == 0 && (status > 204 || !json.Valid(body)) {
			t.Errorf("%d %q means an empty room", status, body)
		}
		for what, err := range readings(ctx, p, m) {
			if succeeded(err) {
				continue
			}
			if provider.KindOf(err) == "" {
				t.Errorf("%s: an error without a kind: %v", what, err)
			}
			if strings.Contains(err.Error(), a.APIKey) {
				t.Errorf("%s: the key is in the error: %v", what, err)
			}
		}
	})
}
