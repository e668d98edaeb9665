package sqs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"

	"greenroom/tunnel"
	"greenroom/tunnel/relay"
)

func put(t *testing.T, s *Sink, hook, id, body string) {
	t.Helper()
	e := sample([]byte(body))
	e.Hook, e.ID = hook, id
	if err := s.Put(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func TestRequestsTravelInOrder(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	s := q.sink(t)
	const each = 25
	var group sync.WaitGroup
	for _, hook := range []string{"daily", "whereby", "a strange\x00name"} {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range each {
				e := sample([]byte(fmt.Sprint(i)))
				e.Hook, e.ID = hook, fmt.Sprint(hook, i)
				if err := s.Put(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	o := q.open(t, Options{Window: 30}, h)
	if st := o.live(); !st.StoreAndForward || st.Driver != "sqs" || st.URL != "" {
		t.Errorf("%+v", st)
	}
	group.Wait()
	h.reached(t, 3*each)
	q.emptied(t)
	if n := len(h.hooks()); n != 3 {
		t.Errorf("%d streams: %q", n, h.hooks())
	}
	for _, hook := range h.hooks() {
		for i, b := range h.bodies(hook) {
			if b != fmt.Sprint(i) {
				t.Fatalf("%s: %q at place %d", hook, b, i)
			}
		}
	}
	if h.doubled > 0 {
		t.Errorf("%d came twice", h.doubled)
	}
	want, got := sample([]byte("7")), h.got["daily"][7]
	if got.Target != want.Target || got.Method != want.Method || !got.ReceivedAt.Equal(want.ReceivedAt) || got.Remote != want.Remote ||
		fmt.Sprint(got.Header) != fmt.Sprint(want.Header) || got.ID != "daily7" {
		t.Errorf("arrived as %+v", got)
	}
}

// A request that isn't stored is neither deleted nor delivered out of order: this end tries it again.
func TestWhatIsNotStoredIsTriedAgain(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	s := q.sink(t)
	for i := range 5 {
		put(t, s, "daily", fmt.Sprint(i), fmt.Sprint(i))
	}
	var tries atomic.Int32
	h.set(func(batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		switch n := tries.Add(1); {
		case n == 1:
			return nil, errors.New("the disk is full\x1b")
		case n < 4:
			return []tunnel.Answer{}, nil // a broken listener
		case n < 6:
			out := h.store(batch[:1])
			for range batch[1:] {
				out = append(out, tunnel.Answer{Status: 503, Text: "busy"})
			}
			return out, nil
		}
		return nil, nil
	})
	o := q.open(t, Options{}, h)
	h.reached(t, 5)
	q.emptied(t)
	o.Until("an empty queue", func(s tunnel.Status) bool { return s.Spool == 0 && s.State == tunnel.Live })
	if got := h.bodies("daily"); strings.Join(got, "") != "01234" || h.doubled > 0 {
		t.Errorf("stored %v, %d twice", got, h.doubled)
	}
}

func TestTheStatusSaysWhyNothingIsStored(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	put(t, q.sink(t), "daily", "1", "1")
	full := []tunnel.Answer{{Status: 503, Text: "the disk is full", RetryAfter: time.Hour}}
	h.set(func([]tunnel.Envelope) ([]tunnel.Answer, error) { return full, nil })
	clock := clockwork.NewFakeClock()
	o := q.open(t, Options{Clock: clock}, h)
	o.degraded("can't be stored here: 503 the disk is full")
	h.set(nil)
	o.Each = func() { clock.Advance(time.Minute) }
	o.live()
	h.reached(t, 1)
}

// While a request is being stored, its message stays hidden from other readers.
func TestWhatIsBeingStoredIsHeld(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	put(t, q.sink(t), "daily", "1", "1")
	begun, end := make(chan struct{}), make(chan struct{})
	h.set(func([]tunnel.Envelope) ([]tunnel.Answer, error) { close(begun); <-end; return nil, nil })
	clock := clockwork.NewFakeClock()
	q.open(t, Options{Clock: clock}, h)
	<-begun
	for i := 1; i <= 3; i++ {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := clock.BlockUntilContext(ctx, 3); err != nil { // wake, depth, hold
			t.Fatal(err)
		}
		cancel()
		clock.Advance(time.Second)
		for range 9 {
			clock.Advance(time.Second)
		}
		q.net.reached(t, "ChangeMessageVisibilityBatch", i)
	}
	h.set(nil)
	close(end)
	h.reached(t, 1)
	q.emptied(t)
}

// Who ends gives back what was not stored, so that the next one has it at once.
func TestWhatIsLeftAtTheEndIsGivenBack(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	s := q.sink(t)
	for i := range 3 {
		put(t, s, "daily", fmt.Sprint(i), fmt.Sprint(i))
	}
	begun := make(chan struct{}, 100)
	h.set(func([]tunnel.Envelope) ([]tunnel.Answer, error) {
		begun <- struct{}{}
		return nil, errors.New("closing")
	})
	// So long that the test would fail if it had to wait for it.
	o := q.open(t, Options{holdTime: time.Hour}, h)
	<-begun
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	h.set(nil)
	q.open(t, Options{holdTime: time.Hour}, h)
	h.reached(t, 3)
	if got := h.bodies("daily"); strings.Join(got, "") != "012" {
		t.Errorf("stored %v", got)
	}
	q.emptied(t)
}

func TestADeletionThatFailsMakesNoDoubles(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	put(t, q.sink(t), "daily", "1", "1")
	var fails atomic.Bool
	fails.Store(true)
	q.net.set(func(call string) error {
		if call == "DeleteMessageBatch" && fails.Load() {
			return errCable
		}
		return nil
	}, nil)
	o := q.open(t, Options{holdTime: time.Second}, h)
	h.reached(t, 1)
	q.net.reached(t, "DeleteMessageBatch", removeTries)
	fails.Store(false)
	o.Each = nil
	q.emptied(t)
	if n := h.count(); n != 1 {
		t.Errorf("it is stored %d times", n)
	}
}

// Another program's message is neither deleted nor passed over; the status says so, and other hooks continue.
func TestAMessageThatCannotBeRead(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	s := q.sink(t)
	put(t, s, "daily", "1", "1")
	id := q.raw(t, "daily", `{"Records":[]}`)
	put(t, s, "daily", "2", "2")
	put(t, s, "whereby", "3", "3")
	clock := clockwork.NewFakeClock()
	o := q.open(t, Options{Clock: clock, pollTime: time.Second}, h)
	o.degraded("message " + id + " of hook daily in the queue can't be read")
	h.reached(t, 2)
	if n := q.waiting(t); n != 2 {
		t.Errorf("%d messages are left", n)
	}
	if len(h.bodies("daily")) != 1 || len(h.bodies("whereby")) != 1 {
		t.Errorf("stored %v and %v", h.bodies("daily"), h.bodies("whereby"))
	}
	// If it doesn't come again, another reader has taken it out.
	for range 4 {
		clock.Advance(unreadTime)
	}
	put(t, s, "whereby", "4", "4")
	o.live()
}

func TestWhatDoesNotFit(t *testing.T) {
	q := newQueue(t, map[string]string{"MaximumMessageSize": "2048"})
	s := q.sink(t)
	if s.MaxMessage() != 2048 {
		t.Errorf("a message may have %d bytes", s.MaxMessage())
	}
	if err := s.Put(t.Context(), sample(noise(2000))); !errors.Is(err, tunnel.ErrTooLarge) {
		t.Errorf("2000 bytes of noise: %v", err)
	}
	if err := s.Put(t.Context(), sample(bytes.Repeat([]byte("{}"), 1000))); err != nil {
		t.Errorf("2000 bytes that can be deflated: %v", err)
	}
	// The owner lowers the limit behind the relay's back.
	s.most = 2 << 20
	if err := s.Put(t.Context(), sample(noise(1<<20))); !errors.Is(err, tunnel.ErrTooLarge) {
		t.Errorf("more than SQS takes: %v", err)
	}
}

func TestASinkThatCannotBeOpened(t *testing.T) {
	q := newQueue(t, nil)
	missing := q.Queue
	missing.Queue = strings.Replace(missing.Queue, "gr.fifo", "other.fifo", 1)
	byARN := Queue{Queue: "arn:aws:sqs:eu-west-1:000000000000:other.fifo", Endpoint: q.Endpoint, HTTP: q.net}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, test := range []struct {
		q    Queue
		says string
	}{
		{missing, "there is no queue other.fifo"},
		{byARN, "there is no queue other.fifo"},
		{Queue{Queue: "http://" + l.Addr().String() + "/1/gr.fifo", Region: "eu-west-1"}, "connection was refused"},
		{Queue{Queue: "http://" + l.Addr().String() + "/1/gr.fifo"}, "region"},
		{Queue{Queue: "x"}, "not a FIFO queue"},
	} {
		_, err := OpenSink(t.Context(), test.q)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v", test.q, err)
		}
	}
	byARN.Queue = "arn:aws:sqs:eu-west-1:000000000000:gr.fifo"
	if _, err := OpenSink(t.Context(), byARN); err != nil {
		t.Errorf("by its ARN: %v", err)
	}
}

func TestWithoutCredentials(t *testing.T) {
	for _, v := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		t.Setenv(v, "")
	}
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err := OpenSink(t.Context(), Queue{Queue: "http://127.0.0.1:9/1/gr.fifo", Region: "eu-west-1"})
	if err == nil || !strings.Contains(err.Error(), "there are no AWS credentials on this machine") {
		t.Errorf("%v", err)
	}
}

func TestAQueueThatCannotBeReached(t *testing.T) {
	q, h := newQueue(t, nil), newHome()
	put(t, q.sink(t), "daily", "1", "1")
	q.net.set(func(string) error { return errCable }, nil)
	clock := clockwork.NewFakeClock()
	o := q.open(t, Options{Clock: clock}, h)
	o.degraded("can't be reached: the cable is cut")
	q.net.set(nil, nil)
	o.Each = func() { clock.Advance(100 * time.Millisecond) }
	o.live()
	h.reached(t, 1)
	// And while it runs.
	q.net.set(func(string) error { return errCable }, nil)
	o.degraded("can't be reached: the cable is cut")
	q.net.set(nil, nil)
	o.live()
}

func TestARecreatedQueueIsAnotherStream(t *testing.T) {
	f := facts{url: "u", arn: "a", created: "1"}
	g := f
	g.created = "2"
	if f.stream("daily") == g.stream("daily") || f.stream("daily") == f.stream("whereby") {
		t.Error("different streams have one name")
	}
}

func TestWhatCannotBeOpened(t *testing.T) {
	h := newHome()
	for _, o := range []Options{{}, {Queue: Queue{Queue: "https://sqs.eu-west-1.amazonaws.com/1/gr"}}, {Queue: Queue{Queue: "https://sqs.eu-west-1.amazonaws.com/1/gr.fifo"}, URL: "nowhere"}} {
		if _, err := New(o).Open(t.Context(), tunnel.Local{Receive: h.receive}); err == nil {
			t.Errorf("%+v opens", o)
		}
	}
	if _, err := New(Options{Queue: Queue{Queue: "https://sqs.eu-west-1.amazonaws.com/1/gr.fifo"}}).Open(t.Context(), tunnel.Local{}); err == nil {
		t.Error("opens without a receiver")
	}
}

// Through real relays into the queue, and out of it at a listener that is cut off, refuses, and is restarted at random:
// what got 2xx is stored once, in the order of each hook.
func TestNothingIsLostThroughRelayAndQueue(t *testing.T) {
	q, h := newQueue(t, map[string]string{"MaximumMessageSize": "65536"}), newHome()
	ids := map[string]string{"daily": strings.Repeat("d", 26), "whereby": strings.Repeat("w", 26)}
	var relays []string
	for range 2 { // behind a balancer
		server, err := relay.Open(relay.Options{Sink: q.sink(t), Hooks: ids, URL: "https://gr.example", Rate: -1})
		if err != nil {
			t.Fatal(err)
		}
		front := httptest.NewServer(server.Handler())
		t.Cleanup(func() {
			front.Close()
			if err := server.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		relays = append(relays, front.URL)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	post := func(hook, id string, body []byte) int {
		resp, err := client.Post(relays[rand.IntN(2)]+"/h/"+ids[hook]+"/hooks/"+hook+"?id="+id, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := post("daily", "large", noise(65536)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a request that the queue doesn't take is answered %d", got)
	}

	trouble := func(share float64) func(string) error {
		return func(string) error {
			if rand.Float64() < share {
				return errCable
			}
			return nil
		}
	}
	q.net.set(trouble(0.05), trouble(0.05))
	h.set(func(batch []tunnel.Envelope) ([]tunnel.Answer, error) {
		switch rand.IntN(6) {
		case 0:
			return nil, errors.New("not now")
		case 1:
			h.store(batch)
			return nil, errors.New("stored, and the answer was lost")
		}
		return nil, nil
	})
	const each = 20
	var accepted [2][]string
	var group sync.WaitGroup
	for i, hook := range []string{"daily", "whereby"} {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := range each {
				body := fmt.Sprintf(`{"hook":%q,"n":%d}`, hook, n)
				for post(hook, fmt.Sprint(n), []byte(body)) != http.StatusOK {
				}
				accepted[i] = append(accepted[i], body)
			}
		}()
	}
	sent := make(chan struct{})
	go func() { group.Wait(); close(sent) }()
	ended := false
	for !ended {
		o := q.open(t, Options{Window: 20, holdTime: time.Second}, h)
		// In the middle of something, but not before anything came through.
		late := time.After(patience)
		for target := h.count() + 1 + rand.IntN(8); h.count() < target && !ended; {
			select {
			case <-h.news:
			case <-sent:
				ended = true
			case <-late:
				t.Fatalf("%d and %d are stored", len(h.bodies("daily")), len(h.bodies("whereby")))
			}
		}
		if err := o.Close(); err != nil {
			t.Fatal(err)
		}
	}
	q.net.set(nil, nil)
	h.set(nil)
	q.open(t, Options{Window: 20, holdTime: time.Second}, h)
	q.emptied(t)
	for i, hook := range []string{"daily", "whereby"} {
		// A sender that got 503 tries again, though its request may be in the queue: then it is there twice, as two.
		if got := unique(h.bodies(hook)); strings.Join(got, "\n") != strings.Join(accepted[i], "\n") {
			t.Errorf("%s: stored\n%v\nof\n%v", hook, got, accepted[i])
		}
	}
}

// unique drops repetitions that follow one another.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if len(out) == 0 || out[len(out)-1] != s {
			out = append(out, s)
		}
	}
	return out
}
