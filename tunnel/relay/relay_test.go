package relay_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel/relay"
	"greenroom/tunnel/wire"
)

func TestARequestComesThrough(t *testing.T) {
	b := newBench(t, relay.Options{})
	p, w := b.join(t)
	if len(w.Hooks) != 1 || w.Hooks[0].URL != b.url+"/h/"+b.hook.ID || w.Hooks[0].Name != "laptop" {
		t.Fatalf("%+v", w)
	}
	answered := make(chan string, 1)
	go func() {
		status, text, _ := b.post(t, b.hook.ID, "/hooks/daily?a=%00&b", "hello")
		answered <- http.StatusText(status) + " " + text
	}()
	r := p.request()
	if r.Target != "/hooks/daily?a=%00&b" || r.Method != "POST" || string(r.body) != "hello" || r.Header.Get("Host") == "" || r.Hook != b.hook.ID {
		t.Errorf("%+v", r)
	}
	if d := time.Since(r.ReceivedAt); d < 0 || d > patience {
		t.Errorf("received %s ago", d)
	}
	p.json(wire.Resp, r.stream, wire.RespBody{Status: 401, Text: "no"})
	p.stored(r)
	if got := <-answered; got != "Unauthorized no" {
		t.Errorf("the sender heard %q", got)
	}
}

func TestWhatWasSpooledComesOnceTheClientDoes(t *testing.T) {
	b := newBench(t, relay.Options{})
	for _, text := range []string{"one", "two", "three"} {
		if status, answer, _ := b.post(t, b.hook.ID, "", text); status != 200 || answer != "ok" {
			t.Fatal(status, answer)
		}
	}
	p, _ := b.join(t)
	var last request
	for _, want := range []string{"one", "two", "three"} {
		if last = p.request(); string(last.body) != want || last.Target != "/" {
			t.Fatalf("%q came instead of %q", last.body, want)
		}
	}
	p.ws.Close()
	p, _ = b.join(t, cursor.Position{Hook: last.Hook, Epoch: last.Epoch, Seq: last.Seq - 1})
	if r := p.request(); string(r.body) != "three" {
		t.Errorf("%q came again", r.body)
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	b := newBench(t, relay.Options{})
	for _, path := range []string{"", "/", "/h", "/h/", "/h/" + b.hook.ID[1:], "/h/" + strings.ToUpper(b.hook.ID), "/x/" + b.hook.ID, "/v1", "/metrics"} {
		resp, err := http.Get(b.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	for _, secret := range []string{"", "wrong", b.secret[1:]} {
		if _, resp, err := b.tryDial(t, secret); err == nil || resp.StatusCode != 401 {
			t.Errorf("token %q: %v", secret, err)
		}
	}
}
