package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"greenroom/internal/app"
	"greenroom/internal/config"
	"greenroom/provider"
	"greenroom/provider/sandbox"
	"greenroom/store"
)

// hostsWeek is the world of a host: a store with deliveries, rooms, and meetings with people in them. The real program runs on it, on a
// terminal of 160 columns and 45 lines.
type hostsWeek struct {
	weekSize
	env   []string
	url   string // of the program's listener
	world *sandbox.World
	open  []string // the platform's rooms of the meetings
}

// weekSize is the size of a hostsWeek.
type weekSize struct {
	deliveries, rooms, meetings int
	header                      string // the counts of the screen
}

// busyWeek is a store of a million deliveries (100,000 with -short), 500 rooms and 100 live meetings; usualWeek has 12 rooms and 3.
func busyWeek() weekSize {
	if testing.Short() {
		return weekSize{100_000, 500, 100, "100 live · 250 here"}
	}
	return weekSize{1_000_000, 500, 100, "100 live · 250 here"}
}

func usualWeek() weekSize { return weekSize{10_000, 12, 3, "3 live · 6 here"} }

// BenchmarkScreen measures the real screen on a real terminal.
//
//	first-frame   from the start of the process to the list with its meetings
//	key-to-frame  from a key to the frame that shows it, while 2,000 signed events arrive each second; beside it, as "bare", what the same
//	              machine needs at the same time for a line through cat on another terminal
//	idle          the processor time of the screen while nothing happens but the clocks of live meetings and the polls, in percent:
//	              with 3 live meetings in 12 rooms, and with 100 in 500
//
// One of them, with a profile of the program: GREENROOM_PROFILE=/tmp/idle.prof go test ./cmd/greenroom -run - -bench Screen/idle
func BenchmarkScreen(b *testing.B) {
	usual := sync.OnceValue(func() *hostsWeek { return newHostsWeek(b, usualWeek()) })
	busy := sync.OnceValue(func() *hostsWeek { return newHostsWeek(b, busyWeek()) })
	b.Run("idle", func(b *testing.B) { usual().idle(b) })
	b.Run("first-frame", func(b *testing.B) { busy().firstFrame(b) })
	b.Run("idle-with-hundreds", func(b *testing.B) { busy().idle(b) })
	b.Run("key-to-frame", func(b *testing.B) { busy().keyToFrame(b) }) // the last one: its people stay for a while
}

func newHostsWeek(b *testing.B, size weekSize) *hostsWeek {
	week := &hostsWeek{weekSize: size, world: sandbox.New(sandbox.Options{NoRateLimits: true})}
	week.env = ttyEnv(b, serve(b, week.world))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	week.url = "http://" + free.Addr().String()
	if err := os.MkdirAll(filepath.Join(home(week.env), "greenroom"), 0o700); err != nil {
		b.Fatal(err)
	}
	settings := fmt.Sprintf("listen = %q\n", free.Addr().String())
	if err := os.WriteFile(filepath.Join(home(week.env), "greenroom", "config.toml"), []byte(settings), 0o600); err != nil {
		b.Fatal(err)
	}
	if err := free.Close(); err != nil {
		b.Fatal(err)
	}
	c, err := config.Load(b.Context(), config.Options{Drivers: drivers(), Getenv: func(name string) (value string) {
		for _, kv := range week.env {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				value = v
			}
		}
		return value
	}})
	if err != nil {
		b.Fatal(err)
	}
	fillStore(b, storePath(c), size)
	if err := week.start(b.Context(), c); err != nil {
		b.Fatal(err)
	}
	// The people come while the program runs, so that its webhooks bring them.
	if _, err := week.world.SetWebhook(provider.Daily, week.url+"/hooks/daily", ""); err != nil {
		b.Fatal(err)
	}
	s := week.screen(b)
	for i, room := range week.open {
		for k := range i%4 + 1 {
			if _, err := week.world.Join(provider.Daily, room, sandbox.Person{Name: fmt.Sprintf("Guest %d-%d", i+1, k+1)}); err != nil {
				b.Fatal(err)
			}
		}
	}
	s.sees(size.header)
	week.close(s)
	return week
}

// start makes the rooms, and starts the meetings.
func (w *hostsWeek) start(ctx context.Context, c *config.Config) (err error) {
	backend, closer, err := openBackend(ctx, c, "bench", access{})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := closer(); err == nil {
			err = cerr
		}
	}()
	for i := range w.rooms {
		name := fmt.Sprintf("team %03d", i+1)
		if _, err := backend.CreateRoom(ctx, app.RoomSpec{Name: name, Account: "daily"}); err != nil {
			return err
		}
		if i >= w.meetings {
			continue
		}
		m, err := backend.StartMeeting(ctx, app.StartMeeting{Room: name, For: 8 * time.Hour})
		if err != nil {
			return err
		}
		w.open = append(w.open, m.PlatformRoom)
	}
	return nil
}

// fillStore makes a store with deliveries of some kinds, rooms and people.
func fillStore(b *testing.B, path string, size weekSize) {
	n := size.deliveries
	s, err := store.Open(store.Options{Path: path, RetainBytes: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	next := make(chan int, 1024)
	var wg sync.WaitGroup
	kinds := provider.EventKinds()
	now := time.Now()
	for range 256 {
		wg.Go(func() {
			for i := range next {
				d := app.Delivery{
					At: app.At(now.Add(time.Duration(i-n) * time.Second / 10)), Account: "daily", Method: "POST", Target: "/hooks/daily",
					Verdict: provider.Verified, Status: 200, Kind: kinds[i%len(kinds)], Type: "participant.joined", ProviderID: fmt.Sprintf("old-%d", i),
					Room: fmt.Sprintf("team-%03d", i%size.rooms), Participant: fmt.Sprintf("Guest %d", i%10_000),
					Headers: http.Header{"Content-Type": {"application/json"}},
				}
				d.Body = app.Body(fmt.Sprintf(`{"version":"1.0.0","type":"participant.joined","id":"old-%d","payload":{"room":%q,"user_name":%q}}`,
					i, d.Room, d.Participant))
				d.Size = int64(len(d.Body))
				if _, err := s.Append(context.Background(), store.Entry{Delivery: d}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// screen starts the screen.
func (w *hostsWeek) screen(b *testing.B) *seat {
	env := w.env
	if path := os.Getenv("GREENROOM_PROFILE"); path != "" {
		env = append(slices.Clip(env), "GREENROOM_PROFILE="+path) // the last one that runs leaves its profile
	}
	s := seated(b, env, "greenroom")
	if err := pty.Setsize(s.master, &pty.Winsize{Rows: 45, Cols: 160}); err != nil {
		b.Fatal(err)
	}
	s.term.Resize(160, 45)
	return s.watched()
}

func (w *hostsWeek) close(s *seat) { s.signal(syscall.SIGTERM).leaves("SIGTERM") }

// firstFrame measures the start, the process's own included.
func (w *hostsWeek) firstFrame(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		s := w.screen(b)
		s.until("the rooms", func(_, all string) bool { return strings.Contains(all, fmt.Sprintf("%d live", w.meetings)) })
		took = append(took, time.Since(began))
		w.close(s)
	}
	percentiles(b, took)
}

// keyToFrame presses a key at a time and waits for the cursor of the list to be drawn in another line. What a terminal needs to show what
// it is sent isn't counted.
func (w *hostsWeek) keyToFrame(b *testing.B) {
	s := w.screen(b)
	s.sees(w.header)
	bare := w.cat(b)
	stop, sent := w.arriving(b)
	for _, tab := range []string{"1", "4"} {
		b.Run(map[string]string{"1": "Rooms", "4": "Webhooks"}[tab], func(b *testing.B) {
			s.types(tab).sees(map[string]string{"1": "Activity", "4": "Headers"}[tab])
			var took, least []time.Duration
			before := sent()
			for i := 0; b.Loop(); i++ {
				time.Sleep(time.Duration(30+i%17) * time.Millisecond) // as a quick person types, and in no step with the frames
				key := "j"
				if i%20 >= 10 {
					key = "k"
				}
				s.mu.Lock()
				s.seen.Reset()
				s.mu.Unlock()
				began := time.Now()
				s.types(key).until("the cursor", func(_, all string) bool { return strings.Contains(all, "▌") })
				took = append(took, time.Since(began))
				line := fmt.Sprintf("line %d.", i)
				bare.mu.Lock()
				bare.seen.Reset()
				bare.mu.Unlock()
				began = time.Now()
				bare.types(line+"\n").until("its line", func(_, all string) bool { return strings.Contains(all, line) })
				least = append(least, time.Since(began))
			}
			slices.Sort(least)
			b.ReportMetric(float64(least[len(least)/2].Microseconds())/1000, "ms/bare-p50")
			b.ReportMetric(float64(least[len(least)*99/100].Microseconds())/1000, "ms/bare-p99")
			b.ReportMetric(float64(sent()-before)/b.Elapsed().Seconds(), "events/s")
			percentiles(b, took)
		})
	}
	stop()
	w.close(s)
}

// cat runs cat on a terminal that doesn't echo: the least that a program does with a key.
func (w *hostsWeek) cat(b *testing.B) *seat {
	s := seated(b, w.env, "cat").watched()
	mode, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
	if err != nil {
		b.Fatal(err)
	}
	mode.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(s.tty.Fd()), unix.TCSETS, mode); err != nil {
		b.Fatal(err)
	}
	return s
}

// arriving posts 2,000 signed events a second: people who join and leave the meetings. It returns how to end that, and how many were
// accepted.
func (w *hostsWeek) arriving(b *testing.B) (stop func(), sent func() int64) {
	secret := ""
	for _, a := range sandbox.Accounts("") {
		if a.Name == "daily" {
			secret = a.WebhookSecret
		}
	}
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var accepted int64
	turns := make(chan int, 1024)
	post := func(n int) error {
		now := time.Now()
		person, kind := n/2%4000, []string{"joined", "left"}[n%2]
		room := w.open[person%len(w.open)]
		body := fmt.Sprintf(`{"version":"1.0.0","type":"participant.%s","id":"bench-%d","payload":{"room":%q,"session_id":"bench-%d","user_id":"u",`+
			`"user_name":"Zoë %d","joined_at":%d,"owner":false,"duration":1},"event_ts":%d.25}`, kind, n, room, person, person, now.Unix(), now.Unix())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/hooks/daily", strings.NewReader(body))
		if err != nil {
			return err
		}
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(stamp + "." + body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Webhook-Timestamp", stamp)
		r.Header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %d: %w", res.StatusCode, err)
		}
		return nil
	}
	for range 32 {
		wg.Go(func() {
			for n := range turns {
				if err := post(n); err != nil {
					if ctx.Err() == nil {
						b.Error(err)
					}
					continue
				}
				mu.Lock()
				accepted++
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		defer close(turns)
		t := time.NewTicker(5 * time.Millisecond)
		defer t.Stop()
		for n := 0; ; {
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
			for range 10 {
				select {
				case turns <- n:
					n++
				default: // the machine accepts no more
				}
			}
		}
	})
	stop = func() {
		cancel()
		wg.Wait()
		client.CloseIdleConnections()
	}
	return stop, func() int64 {
		mu.Lock()
		defer mu.Unlock()
		return accepted
	}
}

// idle measures half a minute of the screen on a live meeting, once.
func (w *hostsWeek) idle(b *testing.B) {
	s := w.screen(b)
	s.sees(w.header).sees("Guest 1-1")
	time.Sleep(10 * time.Second) // what follows the start
	var busy, all time.Duration
	for b.Loop() {
		if all > 0 {
			continue
		}
		from, began := processorTime(b, s.cmd.Process.Pid), time.Now()
		time.Sleep(30 * time.Second)
		busy, all = processorTime(b, s.cmd.Process.Pid)-from, time.Since(began)
	}
	b.ReportMetric(100*busy.Seconds()/all.Seconds(), "%cpu")
	b.ReportMetric(0, "ns/op")
	w.close(s)
}

// processorTime is the time that a process has used, over its threads.
func processorTime(b *testing.B, pid int) (sum time.Duration) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		b.Fatal("no times of the process", err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		first, _, _ := strings.Cut(string(raw), " ")
		ns, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(ns)
	}
	return sum
}

// percentiles reports those of durations.
func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), "ms/p50")
	b.ReportMetric(ms(took[len(took)*99/100]), "ms/p99")
	b.ReportMetric(ms(took[len(took)-1]), "ms/worst")
	b.ReportMetric(0, "ns/op")
}
