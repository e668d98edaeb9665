package apptest

import (
	"errors"
	"strings"
	"testing"

	"greenroom/internal/app"
	"greenroom/provider"
)

// testForwards adds, changes and removes forwards. Their secrets come back from nowhere.
func testForwards(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	made, err := b.AddForward(ctx, app.ForwardSpec{Name: "dev", URL: "http://u:hush@127.0.0.1:1/in", Filter: "kind:recording.ready", Resign: "hush"})
	if errors.Is(err, provider.Unsupported) {
		t.Skip("this backend forwards nothing")
	}
	if err != nil || made.Name != "dev" || made.Filter != "kind:recording.ready" || !made.Resign || strings.Contains(made.URL, "hush") || made.Parked == nil {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := b.AddForward(ctx, app.ForwardSpec{Name: "dev", URL: "http://127.0.0.1:1/"}); !errors.Is(err, provider.Conflict) {
		t.Errorf("a name that exists: %v", err)
	}
	for _, bad := range []app.ForwardSpec{{Name: "a b", URL: "http://127.0.0.1:1/"}, {Name: "x", URL: "nowhere"}} {
		if _, err := b.AddForward(ctx, bad); !errors.Is(err, provider.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	pause, none := true, ""
	paused := must[app.Forward](t)(b.EditForward(ctx, app.ForwardPatch{Name: "dev", Paused: &pause, Filter: &none}))
	if paused.State != app.ForwardPaused || paused.Filter != "" || !paused.Resign {
		t.Errorf("%+v", paused)
	}
	must[app.Forward](t)(b.AddForward(ctx, app.ForwardSpec{Name: "ci", URL: "http://127.0.0.1:1/"}))
	all := must[[]app.Forward](t)(b.Forwards(ctx, app.ForwardQuery{}))
	if len(all) != 2 || all[0].Name != "ci" || all[1].State != app.ForwardPaused {
		t.Errorf("%+v", all)
	}
	must[app.Forward](t)(b.RemoveForward(ctx, app.ForwardRef{Name: "dev"}))
	if _, err := b.RemoveForward(ctx, app.ForwardRef{Name: "dev"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("removed twice: %v", err)
	}
	if _, err := b.EditForward(ctx, app.ForwardPatch{Name: "dev", Paused: &pause}); !errors.Is(err, provider.NotFound) {
		t.Errorf("changed after it was removed: %v", err)
	}
}

// testCatches makes and removes catches.
func testCatches(t *testing.T, h Harness) {
	ctx, b := t.Context(), h.Backend
	made := must[app.Catch](t)(b.CreateCatch(ctx, app.CatchSpec{Name: "gh", Scheme: "none"}))
	if made.Name != "gh" || !strings.HasPrefix(made.Path, "/catch/gh-") || made.Respond != "200 ok" || made.Events != 0 {
		t.Errorf("%+v", made)
	}
	if _, err := b.CreateCatch(ctx, app.CatchSpec{Name: "gh", Scheme: "none"}); !errors.Is(err, provider.Conflict) {
		t.Errorf("a name that exists: %v", err)
	}
	must[app.Catch](t)(b.CreateCatch(ctx, app.CatchSpec{Name: "a", Scheme: "none"}))
	if all := must[[]app.Catch](t)(b.Catches(ctx, app.CatchQuery{})); len(all) != 2 || all[0].Name != "a" || all[1].Path != made.Path {
		t.Errorf("%+v", all)
	}
	must[app.Catch](t)(b.RemoveCatch(ctx, app.CatchRef{Name: "gh"}))
	if _, err := b.RemoveCatch(ctx, app.CatchRef{Name: "gh"}); !errors.Is(err, provider.NotFound) {
		t.Errorf("removed twice: %v", err)
	}
}
