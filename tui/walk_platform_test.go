package tui

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/internal/app"
	"greenroom/provider"
	"greenroom/tui/tuitest"
)

// A meeting on Daily with a host, a guest whom the platform knows, one whom it doesn't, and one who knocks.
func crowd(b *tuitest.Backend) {
	b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
	b.Start("board")
	b.JoinAs("board", app.Stay{Name: "Ada", Owner: true})
	b.JoinAs("board", app.Stay{Name: "Grace", UserID: "u-grace"})
	b.JoinAs("board", app.Stay{Name: "Linus"})
	b.JoinAs("board", app.Stay{Name: "Margaret", Waiting: true})
}

func TestThoseWhoWaitAreCountedAndTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.pane("Rooms").row("board").sees("◌1  3")
		p.pane("board").sees("◌ 1 waiting", "Waiting to be let in", "since", "◌ Margaret")
		p.wait(90 * time.Second)
		p.sees("00:00:00     01:30")
		p.backend.JoinAs("board", app.Stay{Name: "Niklaus", Waiting: true})
		p.sees("◌2  3", "◌ 2 waiting", "◌ Niklaus")
	})
}

func TestARecordingIsStartedSeenAndStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.sees("3 here")
		p.does("recording.switch").sees("The recording of board is starting", "◉ recording starts")
		p.backend.Record("board")
		p.sees("◉ REC 00:0")
		p.wait(65 * time.Second)
		p.sees("◉ REC 01:0")
		p.does("recording.switch").sees("Stop recording board?", "[ Keep recording ]").presses("enter").sees("◉ REC 01:")
		if p.backend.Count("StopRecording") != 0 {
			t.Fatal("keeping it stopped it")
		}
		p.does("recording.switch").presses("y").sees("The recording of board has stopped").misses("REC 01:")
	})
}

func TestAFailedRecordingShowsThePlatformsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.does("recording.switch").sees("◉ recording starts")
		p.backend.Alter("board", func(m *app.MeetingDetail) {
			m.Recording, m.RecordingError = app.NotRecording, "the plan has no cloud recording"
		})
		p.sees("✗ not recording: the plan has no cloud recording").pane("Rooms").row("board").sees("▌●", "✗")
		p.backend.Lock()
		p.backend.Fail = &app.Error{Kind: provider.Forbidden, Text: "recording is off", Hint: "turn it on in the dashboard"}
		p.backend.Unlock()
		p.does("recording.switch").sees("start the recording: recording is off", "turn it on in the dashboard")
	})
}

func TestWhatAPlatformCannotDoSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 30, func(b *tuitest.Backend) {
			b.Stat.Accounts[1].Cannot = map[provider.Ability]string{
				provider.AbilityRecord: "Whereby records by the room's trigger", provider.AbilityEject: "the host removes people inside the meeting",
				provider.AbilityAdopt: "Whereby lists no rooms",
			}
			b.AddRoom(app.RoomSpec{Name: "design", Account: "whereby"})
			b.Start("design")
			b.Join("design", "Ada")
		})
		p.sees("1 here")
		p.does("recording.switch").sees("✗ Whereby records by the room's trigger")
		p.moves("in").does("person.remove").sees("✗ the host removes people inside the meeting")
		if p.backend.Count("StartRecording")+p.backend.Count("Eject") != 0 {
			t.Error("the platform was asked all the same")
		}
		p.moves("out").does("palette").types("record").sees("Start or stop the recording", "Whereby records by").presses("esc")
		p.does("room.adopt").sees("whereby: Whereby lists no rooms").presses("esc")
		p.backend.Lock()
		p.backend.Stat.Accounts = p.backend.Stat.Accounts[1:]
		p.backend.Unlock()
		p.backend.Publish(app.Change{Kind: app.StatusChange})
		p.wait(time.Second)
		p.does("room.adopt").sees("✗ Whereby lists no rooms")
	})
}

func TestAPersonIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.sees("Ada").misses("{person.remove} remove")
		p.does("person.remove").sees("Select a participant first: {move.in} focuses the list")
		p.moves("in").sees("{person.remove} remove").moves("down", "down").sees("▌  Grace")
		p.does("person.remove").sees("Remove Grace?", "[ Keep ]", "Remove and ban").presses("enter")
		p.misses("Remove Grace?")
		if p.backend.Count("Eject") != 0 {
			t.Fatal("keeping removed her")
		}
		p.does("person.remove").presses("y").sees("Grace was removed", "2 here", "ejected")
		p.sees("▌  Grace") // the cursor stays with her
		p.does("person.remove").sees("Grace has already left")
		p.moves("up").sees("▌  Linus").does("person.remove").sees("Remove Linus?", "Only people with a user id").misses("Remove and ban").presses("esc")
	})
}

func TestAPersonIsKeptOutByMouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.clicks("Grace").sees("▌  Grace").clicks("{person.remove} remove").sees("Remove Grace?").clicks("Remove and ban")
		p.sees("Grace was removed and banned")
		if e := p.backend.Ejected; len(e) != 1 || !e[0].Ban || e[0].Session == "" {
			t.Errorf("%+v", e)
		}
		p.clicks("Here ").sees("▌★ Ada") // a heading moves the cursor to the person below it
	})
}

func TestAPersonIsMuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.does("person.mute").sees("Select a participant first").moves("in", "down", "down").sees("▌  Grace")
		p.does("person.mute").sees("Mute Grace?", "[ Cancel ]").presses("enter").misses("Mute Grace?")
		p.does("person.mute").presses("y").sees("Grace was muted", "they can unmute at any time")
		p.does("person.mute").clicks("Mute and stop video").sees("Grace was muted")
		if m := p.backend.Muted; len(m) != 2 || m[0].Video || !m[1].Video || !m[1].Audio || m[1].Session == "" {
			t.Errorf("%+v", m)
		}
	})
}

// Who comes and goes moves the rows, never the cursor to another person.
func TestTheCursorStaysWithItsPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.moves("in", "down", "down", "down").sees("▌  Linus")
		p.backend.JoinAs("board", app.Stay{Name: "Niklaus", Waiting: true})
		p.sees("◌ Niklaus", "▌  Linus")
		p.backend.Depart("board", "Ada", "left")
		p.sees("Left", "▌  Linus")
		p.does("person.remove").sees("Remove Linus?")
	})
}

// Platforms give each participant an id; that of the session does not identify the person.
func TestOnlyWhomThePlatformKnowsIsKeptOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, crowd)
		p.backend.Alter("board", func(m *app.MeetingDetail) { m.Participants[1].UserID = m.Participants[1].Session })
		p.wait(time.Second)
		p.clicks("Grace").does("person.remove").sees("Remove Grace?", "Only people with a user id").misses("Remove and ban")
	})
}

func TestTheRecorderIsNotRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			crowd(b)
			b.JoinAs("board", app.Stay{Name: "Recorder", Bot: true, Role: "recorder"})
		})
		p.moves("in", "bottom").sees("▌◆ Recorder").does("person.remove").sees("Recorder is a bot of the platform; {recording.switch} stops a recording")
	})
}

func TestConsentIsAskedForOnceAndKept(t *testing.T) {
	recorded := func(b *tuitest.Backend) {
		b.AddRoom(app.RoomSpec{Name: "board", Account: "daily", Recording: provider.RecordingCloud})
		b.Start("board")
	}
	answered := func(p *person) app.Consent {
		m, err := p.backend.Meeting(t.Context(), app.MeetingRef{Ref: "board"})
		if err != nil {
			t.Fatal(err)
		}
		return m.Consent
	}
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, recorded)
		p.does("open.host").sees("This meeting is recorded", "[ Don't open ]").presses("esc")
		if answered(p) != "" {
			t.Error("closing the question is an answer")
		}
		p.does("open.host").presses("enter").sees("Nothing was opened")
		if answered(p) != app.ConsentDeclined || len(p.browser()) != 0 {
			t.Fatalf("answer %q, opened %q", answered(p), p.browser())
		}
		p.does("open.host").sees("This meeting is recorded").presses("y").sees("Opened board as host")
		if answered(p) != app.ConsentGiven {
			t.Fatalf("answer %q", answered(p))
		}
		p.does("open.guest").sees("Opened board as guest").misses("This meeting is recorded")
		if n := p.backend.Count("Consent"); n != 2 || len(p.browser()) != 2 {
			t.Errorf("%d answers were stored, %q opened", n, p.browser())
		}
		p.does("meeting.end").presses("y").sees("has ended").does("meeting.start").presses("enter").sees("OPEN")
		p.does("open.host").sees("This meeting is recorded") // another meeting, another question
	})
	synctest.Test(t, func(t *testing.T) { // what can't be stored opens nothing
		p := sit(t, 100, 30, recorded)
		p.does("open.host")
		p.backend.Lock()
		p.backend.Fail = &app.Error{Text: "the disk is full", Hint: "make room on it"}
		p.backend.Unlock()
		p.presses("y").sees("store your answer: the disk is full", "make room on it")
		if len(p.browser()) != 0 {
			t.Errorf("opened %q", p.browser())
		}
	})
	synctest.Test(t, func(t *testing.T) { // by mouse
		p := sit(t, 100, 30, recorded)
		p.clicks("{open.host} open").sees("This meeting is recorded").clicks("Don't open").sees("Nothing was opened")
		p.clicks("{open.host} open").clicks("I agree, open it").sees("Opened board as host")
	})
	synctest.Test(t, func(t *testing.T) { // a room that skips the question
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "daily", Recording: provider.RecordingCloud, SkipConsent: true})
			b.Start("board")
		})
		p.does("open.host").sees("Opened board as host").does("copy.guest").sees("Guest link of board (recorded) copied")
	})
	synctest.Test(t, func(t *testing.T) { // a recording that is not set in the room
		p := sit(t, 100, 30, crowd)
		p.backend.Record("board")
		p.sees("REC").does("open.guest").sees("is being recorded", "[ Don't open ]")
	})
}

// years is an account that has been in use for long.
func years(b *tuitest.Backend) {
	b.AddRoom(app.RoomSpec{Name: "board", Account: "daily"})
	b.Found = []app.PlatformRoom{
		{Account: "daily", Platform: provider.Daily, PlatformID: "1", PlatformRoom: "weekly-sync", GuestURL: "https://acme.daily.co/weekly-sync"},
		{Account: "daily", Platform: provider.Daily, PlatformID: "2", PlatformRoom: "board-2026", Known: true, Room: "board"},
		{Account: "daily", Platform: provider.Daily, PlatformID: "3", PlatformRoom: "interview-7", GuestURL: "https://acme.daily.co/interview-7", EndsAt: app.At(b.Clock.Now().Add(2 * time.Hour))},
		{Account: "whereby", Platform: provider.Whereby, PlatformID: "4", PlatformRoom: "design-4711"},
	}
}

func TestARoomOfThePlatformIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, years)
		p.does("room.adopt").sees("Adopt existing rooms", "4 rooms", "daily    weekly-sync", "✓ room board", "until today 02:00",
			"whereby  design-4711")
		p.presses("up", "up", "up") // whichever account answered first
		p.presses("enter").sees("Adopt weekly-sync", "Empty: keep the platform's name").presses("enter")
		p.sees("✓ room weekly-sync") // the list stays, for the next one
		p.types("inter").misses("design-4711").presses("enter").sees("Adopt interview-7")
		p.types("board").presses("enter").sees("there is a room of that name", "choose another name", "Adopt interview-7")
		p.types("s").presses("enter").sees("✓ room boards").presses("esc")
		p.sees("boards", "weekly-s", "adopted from", "OPEN")
		if n := p.backend.Count("AdoptRoom"); n != 3 {
			t.Errorf("%d adoptions", n)
		}
	})
}

func TestAKnownRoomIsGoneTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "alpha", Account: "daily"})
			years(b)
		})
		p.sees("▌· alpha").does("room.adopt").clicks("✓ room board").misses("Take over").sees("▌· board")
	})
}

func TestThePlatformsAreAskedOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			years(b)
			b.Slow = 5 * time.Second
			b.Failing = map[string]error{"whereby": &app.Error{Kind: provider.Unavailable, Text: "no answer", Hint: "try again later"}}
		})
		p.does("room.adopt").sees("asking daily, whereby…", "asking…").presses("esc").misses("asking")
		p.does("room.adopt").sees("asking daily, whereby…") // keys work meanwhile
		p.wait(6 * time.Second)
		p.sees("weekly-sync", "✗ whereby: no answer. try again later", "3 rooms")
		p.backend.Lock()
		p.backend.Found, p.backend.Failing, p.backend.Slow = nil, nil, 0
		p.backend.Unlock()
		p.presses("ctrl+r").sees("No rooms to adopt").misses("no answer")
		p.presses("enter").sees("Adopt existing rooms") // there is nothing to take
	})
	synctest.Test(t, func(t *testing.T) { // what an earlier question brings no longer counts
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			years(b)
			b.Slow = 5 * time.Second
		})
		p.does("room.adopt").wait(4 * time.Second)
		p.presses("ctrl+r").wait(2 * time.Second)
		p.sees("asking daily, whereby…").wait(4 * time.Second)
		p.sees("4 rooms")
		if n := p.backend.Count("PlatformRooms"); n != 4 {
			t.Errorf("%d questions", n)
		}
	})
	synctest.Test(t, func(t *testing.T) { // nothing but failures
		p := sit(t, 100, 30, func(b *tuitest.Backend) {
			b.Failing = map[string]error{"daily": &app.Error{Text: "no answer"}, "whereby": &app.Error{Text: "nor here"}}
		})
		p.does("room.adopt").sees("No rooms found", "✗ daily: no answer", "✗ whereby: nor here")
	})
}

// found is a diagnosis with something of everything.
func found(b *tuitest.Backend) {
	b.Diagnoses = []app.Diagnosis{
		{Account: "daily", Platform: provider.Daily, Checks: []provider.Check{
			{Name: "API key", OK: true, Detail: "domain acme"},
			{Name: "webhook", Detail: "failed three times since yesterday", Hint: "make the listener reachable, then turn it on again"},
		}},
		{Account: "whereby", Platform: provider.Whereby, Checks: []provider.Check{{Name: "API key", OK: true, Detail: "it is taken"}}},
		{Checks: []provider.Check{{Name: "listener", OK: true, Detail: "http://127.0.0.1:7070"}}},
	}
}

// What can be done without has not failed, as doctor puts it.
func TestChecksHaveDoctorsWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 50, func(b *tuitest.Backend) {
			b.Diagnoses = []app.Diagnosis{{Account: "daily", Platform: provider.Daily, Checks: []provider.Check{
				{Name: "API key", Optional: true, Unknown: true, Detail: "a rate limit", Hint: "wait 5s"},
				{Name: "webhook", Optional: true, Detail: "none yet"},
				{Name: "clock", OK: true, Detail: "agrees"},
			}}}
		})
		p.opens("Status").sees("! 2 of 3 missing, none failed, just now", "! unknown   API key: a rate limit", "wait 5s", "! missing   webhook", "✓ ok        clock")
	})
}

func TestTheAccountsAreCheckedOnceAndWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 50, func(b *tuitest.Backend) {
			found(b)
			b.Slow = 4 * time.Second
		})
		if p.backend.Count("Diagnose") != 0 {
			t.Fatal("the platforms were asked before the tab was opened")
		}
		p.opens("Status").sees("◌ asking the platforms… 00:0")
		p.does("status.check").sees("A check is running")
		p.opens("Rooms").opens("Status").sees("asking the platforms… 00:02") // nothing waiting for it
		p.sees("✗ 1 of 4 failed, just now; {status.check} checks again", "✓ ok        API key: domain acme",
			"✗ failed    webhook: failed three times since yesterday", "do        make the listener reachable", "listener: http://127.0.0.1:7070")
		p.opens("Rooms").opens("Status").opens("Recordings").opens("Status").wait(time.Minute)
		if n := p.backend.Count("Diagnose"); n != 1 {
			t.Fatalf("%d diagnoses", n)
		}
		p.sees("1 min ago")
		p.backend.Lock()
		p.backend.Diagnoses = p.backend.Diagnoses[1:]
		p.backend.Unlock()
		p.clicks("{status.check} check   {status.copy}").sees("asking the platforms").sees("✓ 2 checks passed")
	})
}

func TestChecksThatFailAreNotRepeatedByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 40, func(b *tuitest.Backend) {
			b.Failing = map[string]error{"": &app.Error{Text: "the store is closing", Hint: "start again"}}
		})
		p.opens("Status").sees("✗ the checks failed; {status.check} tries again", "the store is closing", "start again")
		p.wait(time.Minute)
		if n := p.backend.Count("Diagnose"); n != 1 {
			t.Errorf("%d diagnoses", n)
		}
		p.opens("Rooms").does("status.check").misses("asking the platforms")
	})
}

func TestARoomHasALogoAndMaySkipTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, func(b *tuitest.Backend) {
			b.Stat.Accounts[0].Cannot = map[provider.Ability]string{provider.AbilityLogo: "Daily rooms have no logo"}
			b.AddRoom(app.RoomSpec{Name: "board", Account: "whereby"})
		})
		p.does("room.edit").sees("only with a recording", "Logo")
		p.presses("down", "down", "down", "down", "right", "right").sees("cloud: by the platform", "asked before a meeting is opened")
		p.presses("down", "down", "right").sees("‹ not asked ›")
		p.presses("down").types("x.gif").presses("enter").sees("Choose a PNG file")
		p.presses("backspace", "backspace", "backspace").types("png").presses("down", "right").sees("‹ automatically, when it is ready ›")
		p.presses("enter").sees("Room board changed")
		r, err := p.backend.Room(t.Context(), app.RoomRef{Ref: "board"})
		if err != nil || !r.SkipConsent || !r.AutoDownload || !filepath.IsAbs(r.Logo) || filepath.Base(r.Logo) != "x.png" || r.Recording != provider.RecordingCloud {
			t.Errorf("%+v, %v", r, err)
		}
		p.does("room.edit").presses("down", "left").sees("Daily rooms have no logo")
	})
}

// odd is a meeting of which the platform says other things than Greenroom.
func odd(b *tuitest.Backend) {
	crowd(b)
	four := 4
	b.Alter("board", func(m *app.MeetingDetail) {
		m.Reported, m.ReportedAt, m.Adopted = &four, b.Ago(20*time.Second), true
		m.RecordingError = "an earlier recording is still being closed by the platform, which takes a minute or two"
		m.Chosen = "DEFAULT_VIDEO_PLATFORM is daily"
	})
}

func TestWhatThePlatformSaysOtherwiseIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 120, 36, odd)
		p.sees("! the platform counted 4 (Greenroom: 3)", "adopted from Daily", "(DEFAULT_VIDEO_PLATFORM is daily)",
			"✗ not recording: an earlier recording")
		p.backend.Alter("board", func(m *app.MeetingDetail) { m.Recording = app.StartingRecording })
		p.sees("! not recording yet: an earlier recording", "◉ recording starts")
		three := 3
		p.backend.Alter("board", func(m *app.MeetingDetail) { m.Reported = &three })
		p.wait(time.Second)
		p.misses("the platform counted")
	})
}

func TestTheSelectedRecordingIsShownInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 100, 22, takes)
		p.opens("Recordings").sees("╭ Recordings", "tracks", "├ all-hands", "no matching meeting", "01:0")
		p.wait(time.Minute)
		p.sees("02:0") // what runs counts
		p.moves("down").sees("├ 渡辺の部屋", "ada-cam.webm", "cam-video", "… 6 more")
		p.clicks("✗ failed").sees("├ design", "the bucket refused it")
		p.does("filter").types("nope").sees("No recording matches").misses("├ design")
	})
}

// takes are recordings in every state.
func takes(b *tuitest.Backend) {
	tracks := []provider.RecordingFile{{Name: "ada-cam.webm", Kind: "cam-video", Size: 734003200}, {Key: "acme/r/grace-mic.webm", Kind: "cam-audio"}}
	for range 14 {
		tracks = append(tracks, provider.RecordingFile{Name: "more.webm", Kind: "cam-audio", Size: 1 << 20})
	}
	b.Recs = []app.Recording{
		{ID: "a", Account: "daily", Room: "all-hands", Status: app.RecordingRunning, Kind: "tracks", StartedAt: b.Ago(time.Minute)},
		{ID: "b", Account: "daily", Room: "渡辺の部屋", Status: app.RecordingReady, Kind: "cloud", StartedAt: b.Ago(50 * time.Hour),
			DurationS: 3723.5, Files: tracks, Meeting: "m-1"},
		{ID: "c", Account: "whereby", Room: "design", Status: app.RecordingFailed, StartedAt: b.Ago(time.Hour), Meeting: "m-2",
			Error: "the bucket refused it: check its policy"},
		{ID: "d", Account: "whereby", Room: "design", Status: app.RecordingProcessing, StartedAt: b.Ago(2 * time.Hour), Meeting: "m-3"},
	}
}

// What ending does to a room that was made elsewhere is shown before it is done.
func TestEndingAnAdoptedRoomIsExplained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := sit(t, 80, 24, func(b *tuitest.Backend) {
			b.AddRoom(app.RoomSpec{Name: "board", Account: "whereby"})
			b.Start("board")
			b.Alter("board", func(m *app.MeetingDetail) { m.Adopted = true })
		})
		p.does("meeting.end").sees("No one is in the meeting.", "The room stays on", "[ Keep meeting ]")
	})
}
