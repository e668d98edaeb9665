package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"greenroom/provider"
)

// Faults break files in the ways that they name, and faults of the API spare files.
func TestFaultsOfFiles(t *testing.T) {
	b := newBench(t, Options{})
	room, err := b.AddRoom(provider.Daily, "demo", RoomOptions{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := b.AddRecording(provider.Daily, room, PastRecording{StartedAt: start, For: time.Minute, BytesPerSecond: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	link := func() string {
		b.lock()
		defer b.unlock()
		rec, _ := b.recordingByID(provider.Daily, id)
		return b.fileLink(rec, b.clock.Now().Add(time.Hour))
	}()
	get := func() (int, []byte, error) {
		answer, err := b.srv.Client().Get(b.srv.URL + link)
		if err != nil {
			return 0, nil, err
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		return answer.StatusCode, body, err
	}
	fault := func(f Fault) {
		t.Helper()
		b.ClearFaults()
		if _, err := b.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	status, whole, err := get()
	if err != nil || status != http.StatusOK || len(whole) < 1_000_000 {
		t.Fatalf("%d, %d bytes, %v", status, len(whole), err)
	}
	fault(Fault{Kind: ServerError})
	if status, _, err := get(); err != nil || status != http.StatusOK {
		t.Errorf("a fault of the API: %d, %v", status, err)
	}
	fault(Fault{Kind: ServerError, Match: "GET /files", Status: 503})
	if status, _, err := get(); err != nil || status != 503 {
		t.Errorf("%d, %v", status, err)
	}
	fault(Fault{Kind: DropConnection, Match: "GET /files"})
	if _, _, err := get(); err == nil {
		t.Error("a connection that is dropped answers")
	}
	fault(Fault{Kind: CutFile, Platform: provider.Daily})
	if _, got, err := get(); err == nil || !bytes.Equal(got, whole[:len(got)]) || len(got) > len(whole)/2 {
		t.Errorf("cut: %d of %d bytes, %v", len(got), len(whole), err)
	}
	fault(Fault{Kind: SpoilFile, Times: 1})
	if _, got, err := get(); err != nil || len(got) != len(whole) || bytes.Equal(got, whole) || !bytes.Equal(got[:len(got)/2], whole[:len(got)/2]) {
		t.Errorf("spoilt: %d of %d bytes, %v", len(got), len(whole), err)
	}
	if _, got, err := get(); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("used up: %d of %d bytes, %v", len(got), len(whole), err)
	}
}
