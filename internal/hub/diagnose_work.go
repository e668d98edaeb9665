package hub

import (
	"context"
	"fmt"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// diagnosed bounds how many of the newest recordings a diagnosis reads.
const diagnosed = 10_000

// checkWork reports downloads and programs that have failed permanently, and forwards whose targets don't accept events. It returns
// nothing if all is well.
func (h *Hub) checkWork(ctx context.Context) ([]provider.Check, error) {
	recordings, err := h.Recordings(ctx, app.RecordingQuery{Limit: diagnosed})
	if err != nil {
		return nil, err
	}
	var downloads, programs []string
	for _, r := range recordings {
		d := r.Download
		switch {
		case d == nil || !r.IgnoredAt.IsZero() || !r.DeletedAt.IsZero():
		case d.State == app.DownloadFailed:
			downloads = append(downloads, r.ID)
		case d.Command != nil && d.Command.State == app.CommandFailed:
			programs = append(programs, r.ID)
		}
	}
	var out []provider.Check
	if len(downloads) > 0 {
		out = append(out, provider.Check{
			Name: "downloads", Detail: fmt.Sprintf("%d failed: %s", len(downloads), few(downloads)),
			Hint: "`greenroom recording show ID` has the reason; `download ID` tries again, `ignore ID` skips it",
		})
	}
	if len(programs) > 0 {
		out = append(out, provider.Check{
			Name: "on_download", Detail: fmt.Sprintf("%d failed: %s", len(programs), few(programs)),
			Hint: "`greenroom recording show ID` has the reason; `rerun ID` tries again, `skip ID` cancels it",
		})
	}
	forwards, err := h.Forwards(ctx, app.ForwardQuery{})
	for _, f := range forwards {
		c := provider.Check{Name: "forward " + f.Name, Optional: true}
		switch {
		case f.State == app.ForwardRetrying:
			c.Detail = fmt.Sprintf("%s doesn't accept event %d (waiting: %d)", f.URL, f.Last.Seq, f.Queue)
			c.Hint = "check the target; Greenroom keeps trying"
		case len(f.Parked) > 0:
			c.Detail = fmt.Sprintf("%d events were not accepted within a day; the first is %d", len(f.Parked), f.Parked[0])
		default:
			continue
		}
		out = append(out, c)
	}
	return out, err
}

// few names the first of many.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
