package daily

import (
	"strings"

	"greenroom/provider"
)

// others are Daily's events without a kind in the common vocabulary
// (https://docs.daily.co/reference/rest-api/webhooks/events).
var others = []string{
	"streaming.started", "streaming.updated", "streaming.ended", "streaming.error",
	"batch-processor.job-finished", "batch-processor.error",
	"dialout.connected", "dialout.answered", "dialout.stopped", "dialout.warning", "dialout.error",
	"dialin.ready", "dialin.connected", "dialin.stopped", "dialin.warning", "dialin.error",
}

type (
	syntheticStream struct {
		Timestamp  int64             `json:"timestamp"`
		InstanceID string            `json:"instance_id"`
		DomainID   string            `json:"domain_id"`
		Layout     map[string]string `json:"layout,omitempty"`
		Error      string            `json:"error_message,omitempty"`
		RoomName   string            `json:"room_name"` // in Daily's schema of errors only
	}
	syntheticJob struct {
		ID     string              `json:"id"`
		Preset string              `json:"preset"`
		Status string              `json:"status"`
		Input  syntheticJobInput   `json:"input"`
		Output *syntheticJobOutput `json:"output,omitempty"`
		Error  string              `json:"error,omitempty"`
	}
	syntheticJobInput struct {
		SourceType  string `json:"sourceType"`
		RecordingID string `json:"recordingId"`
		Language    string `json:"language"`
	}
	syntheticJobOutput struct {
		Transcription []syntheticTranscriptFile `json:"transcription"`
	}
	syntheticTranscriptFile struct {
		Format   string `json:"format"`
		S3Config struct {
			Key    string `json:"key"`
			Bucket string `json:"bucket"`
			Region string `json:"region"`
		} `json:"s3Config"`
	}
	syntheticCall struct {
		DomainID    string `json:"domain_id"`
		Room        string `json:"room"`
		Timestamp   int64  `json:"timestamp"`
		SessionID   string `json:"session_id,omitempty"`
		Destination string `json:"destination,omitempty"`
		SIPEndpoint string `json:"sip_endpoint,omitempty"`
		Error       string `json:"error_msg,omitempty"`
	}
)

// other returns the payload of an event without a kind.
func other(word string, e provider.SyntheticEvent) any {
	const domain = "synthetic"
	failed := ""
	if strings.HasSuffix(word, ".error") || strings.HasSuffix(word, ".warning") {
		failed = "synthetic failure"
	}
	family, _, _ := strings.Cut(word, ".")
	switch family {
	case "streaming":
		s := syntheticStream{Timestamp: e.At.Unix(), InstanceID: e.Session, DomainID: domain, Error: failed, RoomName: e.Room}
		if word == "streaming.started" || word == "streaming.updated" {
			s.Layout = map[string]string{"preset": "default"}
		}
		return s
	case "batch-processor":
		j := syntheticJob{
			ID: e.Session, Preset: "transcript", Status: "finished",
			Input: syntheticJobInput{SourceType: "recordingId", RecordingID: e.Session, Language: "en"}, Error: failed,
		}
		if failed != "" {
			j.Status = "error"
			return j
		}
		file := syntheticTranscriptFile{Format: "vtt"}
		file.S3Config.Key, file.S3Config.Bucket, file.S3Config.Region = "synthetic/"+e.Room+".vtt", "synthetic", "us-west-2"
		j.Output = &syntheticJobOutput{Transcription: []syntheticTranscriptFile{file}}
		return j
	}
	c := syntheticCall{DomainID: domain, Room: e.Room, Timestamp: e.At.Unix(), SessionID: e.Session, Error: failed}
	switch {
	case word == "dialin.ready":
		c.SessionID, c.SIPEndpoint = "", "sip:"+e.Session+"@synthetic.invalid"
	case family == "dialin":
		c.SIPEndpoint = "sip:" + e.Session + "@synthetic.invalid"
	default:
		c.Destination = "+15550100"
	}
	return c
}
