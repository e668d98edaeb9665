package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/roster"
	"greenroom/provider"
	"greenroom/store"
)

// The demo has the looks of the user's configuration, and fetches no secret of it.
func TestDemoFetchesNoSecret(t *testing.T) {
	dir := t.TempDir()
	ran, file := filepath.Join(dir, "ran"), filepath.Join(dir, "config.toml")
	text := "theme = \"light\"\n[accounts.daily]\napi_key = '''cmd:echo ran > \"" + ran + "\"; echo key'''\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProgram()
	p.configFile, p.getenv = file, func(string) string { return "" }
	c, err := p.demoConfig(context.Background(), "http://127.0.0.1:1", dir, &demoRelay{url: "http://127.0.0.1:2", token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Theme != "light" || len(c.Accounts) != 3 {
		t.Errorf("theme %q, %d accounts", c.Theme, len(c.Accounts))
	}
	if _, err := os.Stat(ran); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the command of a secret was run: %v", err)
	}
	// The same file, read for real, runs it: the test would notice.
	if _, err := p.config(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(ran); err != nil {
		t.Errorf("the command isn't one that can be noticed: %v", err)
	}
}

// The demo's past is a week of meetings that ended, each with its people. It is stored once.
func TestTheDemoHasAPast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "greenroom.db")
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for range 2 {
		if err := seedPast(t.Context(), path, now); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(store.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.View(t.Context(), func(tx *store.Tx) error {
		rooms, err := tx.Rooms()
		if err != nil || len(rooms) != 4 {
			t.Errorf("%d rooms, %v", len(rooms), err)
		}
		seen, deleted, broken, waited := map[string]bool{}, 0, 0, 0
		before := now
		err = tx.MeetingsBefore("", func(m roster.Meeting) bool {
			stays, err := tx.Stays(m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if m.Status != app.Ended || m.Peak < 2 || len(stays) < 2 || m.StartedAt.IsZero() || !m.EndedAt.After(m.StartedAt.Time) || !m.StartsAt.Before(before) {
				t.Errorf("%+v with %d stays", m.Meeting, len(stays))
			}
			before = m.StartsAt.Time
			seen[m.StartsAt.Format(time.DateOnly)] = true
			if _, err := tx.Room(m.RoomID); errors.Is(err, store.ErrNotFound) {
				deleted++
			}
			for _, x := range stays {
				if x.Reason == provider.ReasonLost {
					broken++
				}
				if !x.WaitingSince.IsZero() {
					waited++
				}
				if !x.LeftAt.After(x.JoinedAt.Time) {
					t.Errorf("%s of %s: %+v", x.Name, m.Room, x.Stay)
				}
			}
			return true
		})
		if len(seen) != pastDays+1 || deleted != 1 || broken == 0 || waited == 0 {
			t.Errorf("days %v, %d meetings of a deleted room, %d broken connections, %d waited", seen, deleted, broken, waited)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
