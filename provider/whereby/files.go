package whereby

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"greenroom/provider"
	"greenroom/provider/rest"
)

// linkLife is the requested lifetime of a link; Whereby allows a second to twelve hours.
const linkLife = 2 * time.Hour

func recordingPath(id, rest string) string { return "/recordings/" + url.PathEscape(id) + rest }

// FileLink returns a link to a recording that Whereby stores. Whereby answers 403 for those in a customer's bucket.
func (p *Provider) FileLink(ctx context.Context, recording string, _ provider.RecordingFile) (provider.FileLink, error) {
	const op = "fetch link of recording"
	var a struct {
		Link    rest.Text   `json:"accessLink"`
		Expires rest.Number `json:"expires"` // milliseconds
	}
	err := p.client.Do(ctx, rest.Call{
		Op: op, Subject: recording, Missing: rest.NoRecording, Method: http.MethodGet, Path: recordingPath(recording, "/access-link"),
		Query: url.Values{"validForSeconds": {strconv.Itoa(int(linkLife.Seconds()))}}, Out: &a, Cost: costRead,
	})
	if errors.Is(err, provider.Forbidden) {
		return provider.FileLink{}, p.client.Refuse(provider.Unsupported, op, recording,
			"Whereby provides no link to it: it is in your own bucket, or this key can't read it",
			"set "+p.account.Setting("AWS_WHEREBY_S3_BUCKET", "bucket")+" and keys that can read it")
	}
	if err != nil {
		return provider.FileLink{}, err
	}
	link, err := rest.Link(string(a.Link))
	if err != nil {
		return provider.FileLink{}, p.client.Malformed(op, recording, err.Error())
	}
	out := provider.FileLink{URL: link}
	if ms := a.Expires.Int(); ms > 0 {
		out.Expires = time.UnixMilli(ms).UTC()
	}
	return out, nil
}

// DeleteRecording deletes a recording; Whereby accepts deleting one that is gone. Objects in a customer's bucket stay.
func (p *Provider) DeleteRecording(ctx context.Context, recording string) error {
	return p.client.Do(ctx, rest.Call{
		Op: "delete recording", Subject: recording, Missing: rest.NoRecording, Method: http.MethodDelete,
		Path: recordingPath(recording, ""), Gone: true, Cost: costDelete,
	})
}
