package web

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/internal/app"
	"greenroom/internal/hub"
	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/store"
)

const secret = "ZGFpbHktdGVzdC1rZXktMDEyMzQ1Njc4OWFiY2RlZiE="

// openHub opens the real hub with a real Daily account over the folder's store.
func openHub(t testing.TB, dir string) *hub.Hub {
	t.Helper()
	h, err := newHub(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func newHub(dir string) (*hub.Hub, error) {
	a := provider.Account{
		Name: "daily", Platform: provider.Daily, APIKey: "key", APIURL: "http://127.0.0.1:1/v1", WebhookSecret: secret,
	}
	p, err := daily.Driver().Open(a, nil)
	if err != nil {
		return nil, err
	}
	return hub.Open(hub.Options{
		Store:    store.Options{Path: filepath.Join(dir, store.FileName)},
		Accounts: []hub.Account{{Account: a, Provider: p}},
	})
}

// signed makes a webhook as Daily sends it: participant n of the given room joined.
func signed(url, room string, n int) (*http.Request, error) {
	now := time.Now()
	body := fmt.Sprintf(`{"version":"1.0.0","type":"participant.joined","id":"ptcpt-join-%s-%d","payload":{"room":%q,`+
		`"session_id":"%s-%d","user_id":"u","user_name":"Zoë 渡辺 %d","joined_at":%d.5,"owner":false,"will_eject_at":null},`+
		`"event_ts":%d.25}`, room, n, room, room, n, n, now.Unix(), now.Unix())
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	return r, signAs(r, []byte(body), now)
}

// signAs signs a request as Daily does, at a time.
func signAs(r *http.Request, body []byte, at time.Time) error {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Timestamp", stamp)
	r.Header.Set("X-Webhook-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}

// TestServeForKilling is not a test: it is the process that the tests below kill.
func TestServeForKilling(t *testing.T) {
	dir := os.Getenv("GREENROOM_TEST_SERVE")
	if dir == "" {
		t.Skip("only for the tests that kill it")
	}
	h := openHub(t, dir)
	l, err := Listen(Options{Addr: "127.0.0.1:0", Router: Router{Accounts: []string{"daily"}}, Ingest: h})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", l.URL())
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			break // our parent has gone or wants us to stop
		}
		switch strings.TrimSpace(line) {
		case "fill":
			limitFileSize(t, 400_000)
			fmt.Println("filled")
		case "free":
			freeFileSize(t)
			fmt.Println("freed")
		}
	}
	if err := errors.Join(l.Close(context.Background()), h.Close()); err != nil {
		t.Fatal(err)
	}
}

type process struct {
	*exec.Cmd
	url string
	in  interface{ Close() error }
	say func(string)
	out *bufio.Scanner
}

// ask sends the process a command and waits until it is done.
func (p *process) ask(what, done string) {
	p.say(what)
	for p.out.Scan() && p.out.Text() != done {
	}
}

func serve(t *testing.T, dir string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeForKilling$", "-test.count=1")
	cmd.Env = append(os.Environ(), "GREENROOM_TEST_SERVE="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: cmd, in: in, out: bufio.NewScanner(out), say: func(s string) { fmt.Fprintln(in, s) }}
	for p.out.Scan() {
		if url, ok := strings.CutPrefix(p.out.Text(), "listening "); ok {
			p.url = url
			return p
		}
	}
	t.Fatalf("the server did not start: %v", cmd.Wait())
	return nil
}

func TestKillingLosesNothingThatWasAcknowledged(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(7, 11))
	acked := map[string]bool{}
	var mu sync.Mutex
	n := 0
	for round := range rounds {
		p := serve(t, dir)
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
		stop := make(chan struct{})
		killAfter := 20 + rng.IntN(200)
		var wg sync.WaitGroup
		done := 0
		for w := range 16 {
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
					}
					room := fmt.Sprintf("room-%d", w%4)
					mu.Lock()
					n++
					id := n
					mu.Unlock()
					r, err := signed(p.url+"/hooks/daily", room, id)
					if err != nil {
						t.Error(err)
						return
					}
					resp, err := client.Do(r)
					if err != nil {
						return // killed
					}
					resp.Body.Close()
					mu.Lock()
					if resp.StatusCode == 200 {
						acked[fmt.Sprintf("%s-%d", room, id)] = true
					}
					if done++; done == killAfter {
						if err := p.Process.Kill(); err != nil {
							t.Error(err)
						}
						close(stop)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		client.CloseIdleConnections()
		if err := p.Wait(); err == nil {
			t.Fatalf("round %d: the server was not killed", round)
		}
	}
	if len(acked) < rounds*20 {
		t.Fatalf("only %d were acknowledged in %d rounds", len(acked), rounds)
	}
	checkAll(t, dir, acked)
}

// checkAll checks that every acknowledged session is in the store exactly once as a delivery and as a stay.
func checkAll(t *testing.T, dir string, acked map[string]bool) {
	t.Helper()
	h := openHub(t, dir)
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	delivered := map[string]int{}
	q := app.EventQuery{Limit: 1000}
	for {
		page, err := h.Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			delivered[e.Session]++
			if e.Unapplied != "" {
				t.Errorf("%s is unapplied: %s", e.Session, e.Unapplied)
			}
		}
		if !page.More {
			break
		}
		q.Before = page.Next
	}
	stays := map[string]int{}
	meetings, err := h.Meetings(t.Context(), app.MeetingQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range meetings {
		d, err := h.Meeting(t.Context(), app.MeetingRef{Ref: m.ID})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range d.Participants {
			stays[s.Session]++
		}
		if d.Here != len(d.Participants) {
			t.Errorf("%s: %d here of %d stays", m.Room, d.Here, len(d.Participants))
		}
	}
	for id := range acked {
		if delivered[id] != 1 || stays[id] != 1 {
			t.Errorf("%s was acknowledged, and is there %d times, its effect %d times", id, delivered[id], stays[id])
		}
	}
	for id, n := range stays {
		if delivered[id] != n {
			t.Errorf("%s has %d effects and %d deliveries", id, n, delivered[id])
		}
	}
}

func TestAFullDiskAnswers503AndLosesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no limit on the size of files to stand in for a full disk")
	}
	dir := t.TempDir()
	p := serve(t, dir)
	p.ask("fill", "filled")
	acked := map[string]bool{}
	post := func(n int) int {
		r, err := signed(p.url+"/hooks/daily", "room-0", n)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == 200 {
			acked[fmt.Sprintf("room-0-%d", n)] = true
		}
		if resp.StatusCode == 503 && resp.Header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return resp.StatusCode
	}
	full := 0
	for n := 1; full == 0; n++ {
		switch got := post(n); got {
		case 200:
		case 503:
			full = n
		default:
			t.Fatalf("answered %d", got)
		}
		if n > 20000 {
			t.Fatal("the disk never filled up")
		}
	}
	for range 5 {
		if got := post(full); got != 503 {
			t.Errorf("answered %d while the disk is full", got)
		}
	}
	p.ask("free", "freed")
	if got := post(full); got != 200 {
		t.Errorf("answered %d with room on the disk again", got)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := p.in.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
	checkAll(t, dir, acked)
}
