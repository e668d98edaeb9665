package main

import (
	"encoding/json"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// The fields that scripts rely on. More may be added, none renamed: this list only grows.
const (
	roomFields    = "id name account locked size recording trigger logo skip_consent created_at"
	meetingFields = "id room account platform platform_id platform_room guest_url status starts_at ends_at started_at ended_at " +
		"here peak recording adopted"
	stayFields      = "session name user_id owner joined_at left_at reason"
	recordingFields = "id account platform meeting room status kind started_at duration_s files download"
	fileFields      = "name kind size key"
	tunnelFields    = "driver state url hooks rtt_ms spool gap store_and_forward reason"
	eventFields     = "seq at account method target size verdict reason status kind meeting participant duplicate_of"
)

// keys gives the fields of the JSON object, or of the first one in the array, on the bench's standard output.
func (b *bench) keys(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	text := b.out.Bytes()
	var many []json.RawMessage
	if json.Unmarshal(text, &many) == nil {
		if len(many) == 0 {
			t.Fatalf("an empty list: %s", text)
		}
		text = many[0]
	}
	var one map[string]json.RawMessage
	if err := json.Unmarshal(text, &one); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return one
}

func wantFields(t *testing.T, what string, got map[string]json.RawMessage, fields string) {
	t.Helper()
	for _, f := range strings.Fields(fields) {
		if _, ok := got[f]; !ok {
			t.Errorf("%s lacks %q", what, f)
		}
	}
}

func inner(t *testing.T, from json.RawMessage) map[string]json.RawMessage {
	t.Helper()
	b := &bench{}
	b.out.Write(from)
	return b.keys(t)
}

func TestFieldsOfTheContract(t *testing.T) {
	b, _ := realBench(t)
	for _, step := range []struct {
		args   string
		fields string
	}{
		{"room create all-hands --account daily --json", roomFields},
		{"room list --json", roomFields},
		{"room show all-hands --json", roomFields},
		{"room edit all-hands --locked --json", roomFields},
		{"meeting start all-hands --json", meetingFields + " host_url reused"},
		{"meeting list --json", meetingFields},
		{"meeting show all-hands --json", meetingFields + " participants"},
		{"meeting end all-hands --yes --json", meetingFields},
		{"room delete all-hands --yes --json", roomFields},
	} {
		b.run(t, 0, strings.Fields(step.args)...)
		wantFields(t, step.args, b.keys(t), step.fields)
	}
	b.run(t, 0, "doctor", "--json")
	wantFields(t, "tunnel", inner(t, b.keys(t)["tunnel"]), tunnelFields)
}

func TestFieldsOfEvents(t *testing.T) {
	b := newBench(t, false, "")
	in := app.Inbound{Account: "a", Method: "POST", Target: "/hooks/a?x=1", Header: map[string][]string{"X": {"1", "2"}}, Body: []byte("\xff")}
	if _, err := b.backend.Ingest(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	b.run(t, 0, "event", "list", "--json")
	row := b.keys(t)
	wantFields(t, "event list", row, eventFields)
	for _, f := range []string{"headers", "body"} {
		if _, there := row[f]; there {
			t.Errorf("a list holds %q", f)
		}
	}
	b.run(t, 0, "event", "show", "1", "--json")
	wantFields(t, "event show", b.keys(t), eventFields+" headers body body_encoding")
	if s := b.out.String(); !strings.Contains(s, `"body":"/w=="`) || !strings.Contains(s, `"X":["1","2"]`) || strings.Count(s, "\n") != 1 {
		t.Errorf("event show: %s", s)
	}
	b.run(t, 0, "room", "create", "r")
	b.run(t, 0, "meeting", "start", "r")
	b.run(t, 0, "meeting", "show", "r", "--json")
	wantFields(t, "participant", inner(t, b.keys(t)["participants"]), stayFields)
}

func TestFieldsOfRecordings(t *testing.T) {
	b := newBench(t, false, "")
	b.backend.PutRecording(app.Recording{ID: "r", Files: []provider.RecordingFile{{Name: "x"}}})
	b.run(t, 0, "recording", "list", "--json")
	wantFields(t, "recording list", b.keys(t), recordingFields)
	wantFields(t, "file", inner(t, b.keys(t)["files"]), fileFields)
	b.run(t, 0, "recording", "show", "r", "--json")
	wantFields(t, "recording show", b.keys(t), recordingFields)
}
