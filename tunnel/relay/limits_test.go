package relay

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"greenroom/tunnel/relay/spool"
)

func TestDefaults(t *testing.T) {
	o := Options{}.withDefaults()
	if o.Spool != spool.DefaultQuota || o.Retain != spool.DefaultRetain || o.Body != DefaultBody || o.Concurrent != defaultConcurrent {
		t.Errorf("%+v", o)
	}
	if o := (Options{Spool: 1, Retain: 1, Body: 1, Concurrent: 1}).withDefaults(); o.Spool != 1 || o.Retain != 1 || o.Body != 1 || o.Concurrent != 1 {
		t.Errorf("%+v", o)
	}
}

// An address has its share of the connections, and all have a limit.
func TestConnectionsAreLimited(t *testing.T) {
	one, other := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32")
	l := &crowd{perAddr: map[netip.Prefix]int{}}
	for i := range maxPerAddr {
		if !l.enter(one) {
			t.Fatalf("connection %d of an address is refused", i)
		}
	}
	if l.enter(one) || !l.enter(other) {
		t.Error("the limit of an address isn't its own")
	}
	l.leave(one)
	if !l.enter(one) {
		t.Error("a place that became free isn't given again")
	}
	for range maxConns - maxPerAddr - 1 {
		if !l.enter(netip.Prefix{}) {
			t.Fatal("a connection is refused although there is room")
		}
	}
	if l.enter(netip.Prefix{}) {
		t.Error("there is no limit for all")
	}
	l.leave(other)
	if !l.enter(netip.Prefix{}) || len(l.perAddr) != 1 {
		t.Errorf("%d addresses are known", len(l.perAddr))
	}
}

func TestGates(t *testing.T) {
	var p places
	p.init(Options{Concurrent: 10, PerHook: 10}) // no rate
	now := time.Unix(1e9, 0)
	enter := func(id string) *place {
		t.Helper()
		one, wait := p.enter(spool.Hook{ID: id, Token: "t"}, nil, now, 0)
		if wait != 0 {
			t.Fatalf("no rate is set, and a request waits %v", wait)
		}
		return one
	}
	for range 2 {
		enter("a").leave()
	}
	now = now.Add(gateIdle)
	p.sweep(now)
	if len(p.gates) != 1 {
		t.Error("a gate is dropped before it was idle for long enough")
	}
	now = now.Add(gateIdle)
	p.sweep(now)
	if len(p.gates) != 0 {
		t.Error("an idle gate is kept")
	}
}

func TestHeadersHaveALimit(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	for i := range maxLines - 1 { // and Host
		r.Header.Add("X", fmt.Sprint(i))
	}
	if _, ok := headers(r); !ok {
		t.Error("as many headers as the limit are refused")
	}
	r.Header.Add("X", "one more")
	if h, ok := headers(r); ok || h.Get("Host") != r.Host {
		t.Errorf("accepted: %v, Host %q", ok, h.Get("Host"))
	}
}

// A body that has arrived never gives way to another one.
func TestAWholeBodyKeepsItsPlace(t *testing.T) {
	at := &place{}
	body := &paced{from: strings.NewReader("body"), to: http.NewResponseController(httptest.NewRecorder()), at: at, began: time.Now(), grace: time.Minute}
	b := make([]byte, 3)
	if n, err := body.Read(b); n != 3 || err != nil || at.got.Load() != 3 {
		t.Fatalf("%d, %v, got %d", n, err, at.got.Load())
	}
	if _, err := io.ReadAll(body); err != nil || at.got.Load() != -1 {
		t.Errorf("%v, got %d", err, at.got.Load())
	}
	at.lost.Store(true)
	if _, err := body.Read(b); !errors.Is(err, errGaveWay) {
		t.Errorf("%v", err)
	}
}
