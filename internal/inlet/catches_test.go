package inlet

import (
	"context"
	"errors"
	"testing"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
)

// A new catch is found at once. Strangers who guess addresses cause few readings.
func TestCatchesAreFoundByTheirPaths(t *testing.T) {
	b := apptest.NewMemory(10)
	find := newCatches().find(t.Context(), b)
	if _, ok := find("/catch/gh-token"); ok {
		t.Error("a catch that doesn't exist was found")
	}
	made, err := b.CreateCatch(t.Context(), app.CatchSpec{Name: "gh", Scheme: "none"})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{made.Path, made.Path + "/", made.Path + "/any/path"} {
		if account, ok := find(path); !ok || account != "catch:gh" {
			t.Errorf("%s: %q", path, account)
		}
	}
	for _, path := range []string{"/catch/", "/catch/gh", made.Path + "x", made.Path[:len(made.Path)-1]} {
		if account, ok := find(path); ok {
			t.Errorf("%s: %q", path, account)
		}
	}
	reads := 0
	counted := apptest.Func(func(context.Context, string, any) (any, error) {
		reads++
		return nil, errors.New("not now")
	})
	find = newCatches().find(t.Context(), counted)
	for range 1000 {
		find("/catch/guess-1")
	}
	if reads == 0 || reads > 2*catchBurst {
		t.Errorf("%d readings for 1000 guesses", reads)
	}
}
