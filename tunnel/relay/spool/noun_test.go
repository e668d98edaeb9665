package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay/spool"
)

func TestTokens(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	first, hook := token(t, s, "laptop")
	for _, secret := range []string{"", first[:len(first)-1], first + "x", strings.ToUpper(first)} {
		if _, ok := s.Authenticate(secret); ok {
			t.Errorf("%q opens it", secret)
		}
	}
	known, ok := s.Authenticate(first)
	if !ok || known.Name != "laptop" || !s.Valid(known) {
		t.Fatalf("%+v, %t", known, ok)
	}
	if _, _, err := s.CreateToken(t.Context(), "laptop", false); !errors.Is(err, spool.ErrExists) {
		t.Error(err)
	}
	second, _, err := s.CreateToken(t.Context(), "laptop", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Authenticate(first); ok || s.Valid(known) {
		t.Error("a replaced secret is good for something")
	}
	if hooks := s.HooksOf("laptop"); len(hooks) != 1 || hooks[0].ID != hook {
		t.Errorf("the hooks of a token that was replaced: %+v", hooks)
	}
	put(t, s, hook, []byte("kept"))
	if h, open := s.Open(hook); !open || h.ID != hook || h.Token != "laptop" {
		t.Errorf("the hook of a valid token accepts no requests: %+v", h)
	}
	if _, open := s.Open("nothing"); open {
		t.Error("a hook that isn't there takes requests")
	}
	if _, err := s.RevokeToken(t.Context(), "laptop"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RevokeToken(t.Context(), "nameless"); !errors.Is(err, spool.ErrNotFound) {
		t.Error(err)
	}
	if _, ok := s.Authenticate(second); ok {
		t.Error("a revoked token opens it")
	}
	if h, open := s.Open(hook); open || h.ID != hook {
		t.Errorf("the hook of a revoked token takes requests: %t, %+v", open, h)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	raw, err := os.ReadFile(filepath.Join(dir, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw); strings.Contains(text, first) || strings.Contains(text, second) {
		t.Error("the file holds a secret")
	}
	s = open(t, spool.Options{Dir: dir})
	if _, ok := s.Authenticate(second); ok {
		t.Error("a revoked token opens it after a restart")
	}
	third, _, err := s.CreateToken(t.Context(), "laptop", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Authenticate(third); !ok {
		t.Error("the new one doesn't open it")
	}
	if got := left(t, s, hook, cursor.Position{}); got != "kept" {
		t.Errorf("%q waits for who comes back", got)
	}
}

func TestHooks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	_, own := token(t, s, "laptop")
	token(t, s, "desk")
	h, err := s.CreateHook(t.Context(), "billing", "laptop", spool.PolicyAck)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{own, strings.TrimPrefix(h.ID, "billing-")} {
		if len(id) < 26 { // of 5 bits each
			t.Errorf("%q can be guessed", id)
		}
	}
	for _, test := range []struct {
		name, token string
		policy      spool.Policy
		want        error
	}{
		{"billing", "laptop", "", spool.ErrExists},
		{"laptop", "laptop", "", spool.ErrExists},
		{"other", "nameless", "", spool.ErrNotFound},
		{"Other", "laptop", "", spool.ErrInvalid},
		{"", "laptop", "", spool.ErrInvalid},
		{"a/b", "laptop", "", spool.ErrInvalid},
		{strings.Repeat("a", 33), "laptop", "", spool.ErrInvalid},
		{"other", "laptop", "never", spool.ErrInvalid},
	} {
		if _, err := s.CreateHook(t.Context(), test.name, test.token, test.policy); !errors.Is(err, test.want) {
			t.Errorf("%q of %s, %s: %v, want %v", test.name, test.token, test.policy, err, test.want)
		}
	}
	put(t, s, h.ID, random(2*spool.PieceSize+1))
	put(t, s, h.ID, []byte("small"))
	if _, err := s.SetPolicy(t.Context(), h.ID, spool.PolicySync); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteHook(t.Context(), own); !errors.Is(err, spool.ErrInvalid) {
		t.Errorf("a token loses its own hook: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, spool.Options{Dir: dir})
	hooks := s.HooksOf("laptop")
	if len(hooks) != 2 || !hooks[0].Own || hooks[1].ID != h.ID || hooks[1].Policy != spool.PolicySync {
		t.Fatalf("%+v", hooks)
	}
	for range 20 { // whatever the order in memory
		var names []string
		for _, h := range s.Hooks() {
			names = append(names, h.Token+"/"+h.Name)
		}
		if got := strings.Join(names, " "); got != "desk/desk laptop/laptop laptop/billing" {
			t.Fatalf("the hooks in order: %s", got)
		}
	}
	if n, _ := s.Depth(h.ID); n != 2 {
		t.Errorf("%d wait after a restart", n)
	}
	if _, err := s.DeleteHook(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.DeleteHook(t.Context(), h.ID); !errors.Is(err, spool.ErrNotFound) {
		t.Error(err)
	}
	if _, ok := s.Hook(h.ID); ok || s.Pieces(t) != 0 {
		t.Errorf("the hook is there: %t; %d pieces are", ok, s.Pieces(t))
	}
	if _, err := s.Put(t.Context(), event(h.ID), strings.NewReader("x"), 1); !errors.Is(err, spool.ErrNotFound) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Options{Dir: dir})
	if _, ok := s.Hook(h.ID); ok {
		t.Error("it is back after a restart")
	}
}

func TestATokenHasSoManyHooks(t *testing.T) {
	s := open(t, spool.Options{})
	token(t, s, "laptop")
	for i := range spool.MaxHooks - 1 {
		if _, err := s.CreateHook(t.Context(), "h"+string(rune('a'+i/26))+string(rune('a'+i%26)), "laptop", ""); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := s.CreateHook(t.Context(), "more", "laptop", ""); !errors.Is(err, spool.ErrInvalid) {
		t.Error(err)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	if _, err := spool.Open(spool.Options{Dir: dir, Timeout: time.Millisecond}); !errors.Is(err, spool.ErrInUse) {
		t.Error(err)
	}
	if err := s.SetURL(t.Context(), "https://relay.example"); err != nil {
		t.Fatal(err)
	}
	epoch := s.Epoch()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), event("h"), strings.NewReader(""), 0); err == nil {
		t.Error("a closed spool takes something")
	}
	plain := open(t, spool.Options{Dir: dir, Plain: true})
	if url, err := plain.URL(); url != "https://relay.example" || err != nil {
		t.Error(url, err)
	}
	if plain.Epoch() != epoch {
		t.Error("a look begins an epoch")
	}
	_, hook := token(t, plain, "laptop")
	if _, err := plain.Put(t.Context(), event(hook), strings.NewReader(""), 0); !errors.Is(err, spool.ErrClosed) {
		t.Error(err)
	}
}
