//go:build unix

package livekit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"greenroom/internal/peers/livekittest"
	"greenroom/provider"
	"greenroom/provider/sandbox"
)

// caller makes a call of an API.
type caller func(method string, in any, g livekittest.Grants) (int, map[string]any)

func body(in any) func(caller) any { return func(caller) any { return in } }

// fakeServer is the sandbox's LiveKit.
type fakeServer struct {
	world *sandbox.World
	url   string
}

func sandboxWorld(t *testing.T) *fakeServer {
	t.Helper()
	w := sandbox.New(sandbox.Options{Seed: 1, RemoteUnmute: true})
	srv := httptest.NewServer(w.LiveKit())
	t.Cleanup(func() {
		srv.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &fakeServer{w, srv.URL}
}

func (f *fakeServer) join(t *testing.T, room string) {
	t.Helper()
	f.call(t, "RoomService/CreateRoom", map[string]any{"name": room}, livekittest.Grants{"roomCreate": true})
	if _, err := f.world.Join(provider.LiveKit, room, sandbox.Person{Name: "Ada", UserID: "ada-1", Owner: true}); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeServer) caller(t *testing.T) caller {
	return func(method string, in any, g livekittest.Grants) (int, map[string]any) {
		return f.call(t, method, in, g)
	}
}

func (f *fakeServer) call(t *testing.T, method string, in any, g livekittest.Grants) (int, map[string]any) {
	t.Helper()
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": sandbox.LiveKitKey, "nbf": now.Unix(), "exp": now.Add(time.Minute).Unix(), "video": g,
	}).SignedString([]byte(sandbox.LiveKitSecret))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, f.url+"/twirp/livekit."+method, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return resp.StatusCode, out
}

// shape describes the fields of an answer and their types: of a list that of its first element, nothing of what may be null.
func shape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		var fields []string
		for name, one := range v {
			s := shape(one)
			switch name {
			case "version": // an object or null
				s = "?"
			case "attributes", "codecs", "layers", "audio_features", "meta": // any content
				s = "…"
			}
			fields = append(fields, name+":"+s)
		}
		slices.Sort(fields)
		return "{" + strings.Join(fields, " ") + "}"
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return "[" + shape(v[0]) + "]"
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", v)
}
