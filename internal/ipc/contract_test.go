package ipc

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jonboulle/clockwork"

	"greenroom/internal/app"
	"greenroom/internal/app/apptest"
	"greenroom/internal/crash"
)

// repeatable is, for every method of Backend, whether a call that an owner may have carried out before it left is made again
// with the next one. It is written here a second time on purpose: a wrong word above a method would end a meeting twice, or
// delete what it should pause.
var repeatable = map[string]bool{
	"Status": true, "Counts": true, "Diagnose": true, "Maintain": false,
	"Rooms": true, "Room": true, "CreateRoom": false, "EditRoom": false, "DeleteRoom": false, "PlatformRooms": true, "AdoptRoom": false,
	"Meetings": true, "Meeting": true, "StartMeeting": false, "EndMeeting": false, "MeetingLink": true, "Eject": false, "Mute": true, "Consent": false,
	"EditPage": true, "Page": true, "EnterPage": true,
	"Bookings": true, "Book": false, "EditBooking": false, "RemoveBooking": false, "Upcoming": true, "Expected": true, "Calendars": true,
	"Undo": false, "AddCalendar": false, "RemoveCalendar": false, "ExportCalendar": true,
	"Recordings": true, "Recording": true, "StartRecording": false, "StopRecording": false, "DeleteRecording": false,
	"DownloadRecording": true, "PauseDownload": true, "CancelDownload": false, "IgnoreRecording": true, "RerunCommand": false,
	"SkipCommand": true, "NoteVerification": true, "LimitDownloads": true,
	"Events": true, "Event": true, "SignWebhook": true, "Resign": true, "Replay": false, "Import": true, "Forwards": true, "SetForward": true, "AddForward": false, "EditForward": false, "RemoveForward": false, "Catches": true, "CreateCatch": false, "RemoveCatch": false, "Ingest": true, "IngestBatch": true,
	"TunnelState": true, "ReportTunnel": true, "ProbeTunnel": true, "RegisterWebhook": false,
}

// methodsOfBackend calls f for every method but Subscribe.
func methodsOfBackend(t *testing.T, f func(t *testing.T, m reflect.Method)) {
	backend := reflect.TypeFor[app.Backend]()
	if n := backend.NumMethod() - 1; n != len(repeatable) {
		t.Errorf("Backend has %d methods and the table %d", n, len(repeatable))
	}
	for i := range backend.NumMethod() {
		if m := backend.Method(i); m.Name != "Subscribe" {
			t.Run(m.Name, func(t *testing.T) { f(t, m) })
		}
	}
}

// invoke calls a method by reflection.
func invoke(ctx context.Context, b any, method string, request any) (any, error) {
	out := reflect.ValueOf(b).MethodByName(method).Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(request)})
	err, _ := out[1].Interface().(error)
	return out[0].Interface(), err
}

// same compares values as JSON carries them.
var same = cmp.Options{cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true })}

// TestTheContract: every method arrives as itself with its request, and its answer comes back, in-process and over the socket.
func TestTheContract(t *testing.T) {
	methodsOfBackend(t, func(t *testing.T, m reflect.Method) {
		request, want := filled(m.Type.In(1), 1), filled(m.Type.Out(0), 2)
		type asked struct {
			method  string
			request any
		}
		got := make(chan asked, 2)
		recorder := apptest.Func(func(_ context.Context, method string, request any) (any, error) {
			got <- asked{method, request}
			return want, nil
		})
		server := NewServer(recorder, Hello{Protocol: Protocol}, nil, nil, nil)
		socket := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- server.Serve(l) }()
		defer func() {
			if err := errors.Join(server.Leave(time.Minute), <-served); err != nil {
				t.Error(err)
			}
		}()
		client := dialer(func(*http.Request) (*http.Response, error) { return nil, nil })
		client.http.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}
		defer client.Close()
		for name, l := range map[string]*link{"in-process": {backend: recorder}, "over the socket": {client: client}} {
			l.gone = make(chan struct{})
			answer, err := invoke(t.Context(), attached(l), m.Name, request)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			a := <-got
			if a.method != m.Name {
				t.Errorf("%s: it arrives as %s", name, a.method)
			}
			if d := cmp.Diff(request, a.request, same); d != "" {
				t.Errorf("%s: the request (-sent +arrived)\n%s", name, d)
			}
			if d := cmp.Diff(want, answer, same); d != "" {
				t.Errorf("%s: the answer (-returned +arrived)\n%s", name, d)
			}
		}
	})
}

// TestRepetition: of two owners the first leaves after it has read the call.
func TestRepetition(t *testing.T) {
	methodsOfBackend(t, func(t *testing.T, m reflect.Method) {
		request := reflect.Zero(m.Type.In(1)).Interface()
		if m.Name == "IngestBatch" {
			request = app.Batch{Requests: []app.Inbound{{}}} // of none, nothing is sent
		}
		if got := calls(t, m, request); got != repeatable[m.Name] {
			t.Errorf("made again: %v, want %v", got, repeatable[m.Name])
		}
	})
	m, _ := reflect.TypeFor[app.Backend]().MethodByName("DownloadRecording")
	if calls(t, m, app.DownloadRequest{Again: true}) {
		t.Error("a download from the beginning is begun twice")
	}
	m, _ = reflect.TypeFor[app.Backend]().MethodByName("EditPage")
	if calls(t, m, app.PageChange{Rotate: true}) {
		t.Error("an address is replaced twice")
	}
	m, _ = reflect.TypeFor[app.Backend]().MethodByName("EnterPage")
	if calls(t, m, app.PageEntry{Host: "once"}) {
		t.Error("a host's token is used twice")
	}
}

// calls reports whether a call is made again when its owner leaves.
func calls(t *testing.T, m reflect.Method, request any) (again bool) {
	t.Helper()
	first := dialer(func(r *http.Request) (*http.Response, error) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		return nil, io.ErrUnexpectedEOF
	})
	second := dialer(func(r *http.Request) (*http.Response, error) { again = true; return nil, io.ErrUnexpectedEOF })
	defer first.Close()
	defer second.Close()
	s := attached(&link{client: first, gone: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { // the next owner
		defer close(done)
		select {
		case <-s.wanted:
			s.mu.Lock()
			s.link = &link{client: second, gone: make(chan struct{})}
			s.announce()
			s.mu.Unlock()
		case <-ctx.Done():
		}
		for ctx.Err() == nil { // there is no third
			select {
			case <-s.wanted:
				cancel()
			case <-ctx.Done():
			}
		}
	}()
	_, err := invoke(ctx, s, m.Name, request)
	if err == nil {
		t.Error("a call without an owner succeeds")
	}
	cancel()
	<-done
	return again
}

type dialed func(*http.Request) (*http.Response, error)

func (f dialed) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func dialer(f dialed) *Client {
	c := &Client{http: &http.Client{Transport: f}, clock: clockwork.NewRealClock()}
	c.life, c.close = context.WithCancel(context.Background())
	return c
}

// attached is a session with a link to an owner.
func attached(l *link) *Session {
	return &Session{
		o:    Options{Clock: clockwork.NewRealClock(), Wait: time.Minute, Crash: new(crash.Group)},
		link: l, wanted: make(chan struct{}, 1), changed: make(chan struct{}),
	}
}

// filled returns a value of a type in which nothing is zero, by a seed.
func filled(t reflect.Type, seed int) any {
	v := reflect.New(t).Elem()
	fill(v, &seed)
	return v.Interface()
}

func fill(v reflect.Value, seed *int) {
	*seed++
	switch v.Type() {
	case reflect.TypeFor[app.Time]():
		v.Set(reflect.ValueOf(app.At(time.Unix(int64(1_700_000_000+*seed), 0).UTC())))
		return
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(int64(1_700_000_000+*seed), 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text " + strconv.Itoa(*seed))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(*seed % 100))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*seed % 100))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(*seed))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), seed)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), seed)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, seed)
		fill(value, seed)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" || f.Name == "Body" {
				fill(v.Field(i), seed)
			}
		}
	}
}
