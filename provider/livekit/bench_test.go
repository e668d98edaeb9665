package livekit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/provider"
	"greenroom/provider/livekit"
	"greenroom/provider/providertest"
)

// BenchmarkOverhead compares looking a room up through the provider with the barest equivalent call of the same server: write the
// request, send it with an http.Client that has a timeout, check the status, decode the room. The bare call's token is prepared. The
// two alternate call by call, so that disturbances of the machine affect both, and medians are compared. The budget is 2 %.
//
//	go test -run=- -bench=Overhead -benchtime=20000x ./provider/livekit
func BenchmarkOverhead(b *testing.B) {
	answer := []byte(`{"rooms":[{"sid":"RM_1","name":"demo","empty_timeout":300,"departure_timeout":200,"max_participants":5,` +
		`"creation_time":"1795944381","creation_time_ms":"1795944381949","turn_password":"x","enabled_codecs":[{"mime":"audio/opus","fmtp_line":""}],` +
		`"metadata":"","num_participants":0,"num_publishers":0,"active_recording":false,"version":null}]}`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	defer srv.Close()
	a := account()
	a.APIURL = srv.URL
	p, err := livekit.New(a, livekit.Options{})
	if err != nil {
		b.Fatal(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": apiKey, "exp": time.Now().Add(time.Hour).Unix(), "video": map[string]any{"roomList": true},
	}).SignedString([]byte(apiSecret))
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	bare := func() error {
		in, err := json.Marshal(map[string]any{"names": []string{"demo"}})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL+"/twirp/livekit.RoomService/ListRooms", bytes.NewReader(in))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := client.Do(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", resp.StatusCode)
		}
		var out struct {
			Rooms []struct {
				Sid            string `json:"sid"`
				Name           string `json:"name"`
				Metadata       string `json:"metadata"`
				CreationTimeMs string `json:"creation_time_ms"`
			} `json:"rooms"`
		}
		return json.NewDecoder(resp.Body).Decode(&out)
	}
	through := func() error {
		_, err := p.Lookup(b.Context(), provider.Meeting{Room: "demo"})
		return err
	}
	providertest.Overhead(b, bare, through)
}
