package providertest

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/provider"
)

// testFiles records a meeting, fetches the file by the platform's link, and deletes the recording.
func testFiles(t *testing.T, h Harness) {
	p := h.open(t, nil)
	f := able[provider.FileLinker](t, p, "the platform gives no links to files")
	for _, kind := range []string{"video", "cam-audio"} {
		if _, err := f.FileLink(t.Context(), "", provider.RecordingFile{Kind: kind}); !errors.Is(err, provider.Invalid) {
			t.Errorf("link of nothing: %v", err)
		}
	}
	if _, err := f.FileLink(t.Context(), instance, provider.RecordingFile{Kind: "video"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("link of a recording that never was: %v", err)
	}
	rec, file := h.record(t, p, func(running provider.Recording) {
		_, err := f.FileLink(t.Context(), running.ID, provider.RecordingFile{Kind: "video"})
		if !errors.Is(err, provider.NotReady) && !errors.Is(err, provider.NotFound) {
			t.Errorf("link while it runs: %v", err)
		}
	})
	if finder, ok := p.(provider.RecordingFinder); ok {
		if _, err := finder.Recording(t.Context(), ""); !errors.Is(err, provider.Invalid) {
			t.Errorf("look up nothing: %v", err)
		}
		if _, err := finder.Recording(t.Context(), instance); !errors.Is(err, provider.NotFound) {
			t.Errorf("look up a recording that never was: %v", err)
		}
		found, err := finder.Recording(t.Context(), rec.ID)
		if diff := cmp.Diff(rec, found); err != nil || diff != "" {
			t.Errorf("the recording is not as it is listed: %v %s", err, diff)
		}
	}
	link, err := f.FileLink(t.Context(), rec.ID, file)
	if err != nil {
		t.Fatal(err)
	}
	if left := link.Expires.Sub(h.Clock.Now()); !link.Expires.IsZero() && (left < time.Minute || left > 24*time.Hour) {
		t.Errorf("the link lives for %v", left)
	}
	part := h.get(t, link.URL, "bytes=0-7")
	if len(part) != 8 || string(part[4:]) != "ftyp" && string(part[:4]) != "\x1a\x45\xdf\xa3" {
		t.Errorf("the file begins with %q", part)
	}

	d := able[provider.RecordingDeleter](t, p, "the platform deletes no recordings")
	if err := d.DeleteRecording(t.Context(), ""); !errors.Is(err, provider.Invalid) {
		t.Errorf("delete nothing: %v", err)
	}
	for range 2 {
		if err := d.DeleteRecording(t.Context(), rec.ID); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	if _, err := f.FileLink(t.Context(), rec.ID, file); !errors.Is(err, provider.NotFound) {
		t.Errorf("link of what was deleted: %v", err)
	}
}

// record records a meeting, and returns the recording with its file once it is ready. while is called during the recording.
func (h Harness) record(t *testing.T, p provider.Provider, while func(provider.Recording)) (provider.Recording, provider.RecordingFile) {
	t.Helper()
	h.needsPeople(t)
	l := able[provider.RecordingLister](t, p, "the platform lists no recordings")
	s := h.spec(t)
	s.Recording, s.Trigger = provider.RecordingCloud, provider.TriggerAutomatic
	m := h.create(t, p, s)
	ada := h.Join(t, m, Person{Name: "Ada"})
	if r, ok := p.(provider.Recorder); ok {
		if err := r.StartRecording(t.Context(), m, provider.RecordingStart{Kind: "cloud", Instance: instance}); err != nil {
			t.Fatal(err)
		}
	}
	h.Leave(t, m, "")
	mine := func() provider.Recording {
		list, err := l.Recordings(t.Context(), m.Room, "")
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(list.Recordings, func(r provider.Recording) bool { return r.Room == m.Room }); i >= 0 {
			return list.Recordings[i]
		}
		return provider.Recording{}
	}
	if running := mine(); running.ID != "" { // some platforms list only finished recordings
		while(running)
	}
	h.Leave(t, m, ada)
	h.Leave(t, m, "")
	rec := mine()
	if rec.Status != "ready" || len(rec.Files) != 1 {
		t.Fatalf("no recording is ready: %+v", rec)
	}
	return rec, rec.Files[0]
}

// get fetches a part of a file without any key.
func (h Harness) get(t *testing.T, link, part string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", part)
	resp, err := (&http.Client{Transport: h.Transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || resp.StatusCode != http.StatusPartialContent {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return b
}
