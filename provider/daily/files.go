package daily

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// linkLife is the requested lifetime of a link. For recordings in a customer's bucket Daily allows a quarter of an hour to twelve
// hours.
const linkLife = 2 * time.Hour

// recordingPath returns the path of a recording.
func recordingPath(id, rest string) string { return "/recordings/" + url.PathEscape(id) + rest }

// FileLink returns a link to a cloud recording. Raw tracks have none: they are several files in the customer's bucket. Daily may return
// an error's text instead of a link; the recording is then looked up, since one in progress will have a link later.
func (p *Provider) FileLink(ctx context.Context, recording string, file provider.RecordingFile) (provider.FileLink, error) {
	const op = "fetch link of recording"
	if recording != "" && (strings.HasPrefix(file.Kind, "cam-") || strings.HasPrefix(file.Kind, "screen-")) {
		return provider.FileLink{}, p.rawTracks(op, recording)
	}
	var a struct {
		Link    rest.Text   `json:"download_link"`
		Expires rest.Number `json:"expires"`
	}
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: recording, Missing: rest.NoRecording, Method: http.MethodGet, Path: recordingPath(recording, "/access-link"),
		Query: url.Values{"valid_for_secs": {strconv.Itoa(int(linkLife.Seconds()))}}, Out: &a,
	})
	if errors.Is(err, provider.Invalid) && provider.Says(err, "raw-tracks") {
		return provider.FileLink{}, p.rawTracks(op, recording)
	}
	if err != nil {
		return provider.FileLink{}, err
	}
	link, err := rest.Link(string(a.Link))
	if err == nil {
		return provider.FileLink{URL: link, Expires: rest.Instant(a.Expires.Value)}, nil
	}
	said := err.Error()
	if !strings.Contains(string(a.Link), "://") && a.Link != "" {
		said = p.client.Safe(string(a.Link))
	}
	return provider.FileLink{}, p.noLink(ctx, op, recording, said)
}

func (p *Provider) rawTracks(op, recording string) error {
	return p.client.Refuse(provider.Unsupported, op, recording, "Daily provides no links to raw tracks: they are in your own bucket",
		"set "+p.account.Setting("AWS_DAILY_S3_BUCKET", "bucket")+", and give this machine AWS credentials that can read it")
}

// noLink returns the reason why a recording has no link.
func (p *Provider) noLink(ctx context.Context, op, recording, said string) error {
	r, err := p.readRecording(ctx, op, recording)
	if err != nil {
		return err
	}
	switch r.Status {
	case "in-progress":
		return p.client.Refuse(provider.NotReady, op, recording, said, "Daily is still processing it: try again in a minute")
	case "canceled":
		return p.client.Refuse(provider.NotFound, op, recording, said, "Daily cancelled the recording: there is no file")
	}
	return p.client.Refuse(provider.Unavailable, op, recording, said, "")
}

// DeleteRecording deletes a recording. Objects in a customer's bucket stay.
func (p *Provider) DeleteRecording(ctx context.Context, recording string) error {
	return p.client.Do(ctx, rest.Call{
		Op: "delete recording", Subject: recording, Missing: rest.NoRecording, Method: http.MethodDelete,
		Path: recordingPath(recording, ""), Gone: true,
	})
}
