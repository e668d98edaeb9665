package manual_test

import (
	"reflect"
	"testing"

	"greenroom/tunnel"
	"greenroom/tunnel/manual"
)

func TestManual(t *testing.T) {
	d := manual.New(manual.Options{URL: "https://Hooks.example/room/"})
	if d.Name() != "manual" || d.StoresAndForwards() {
		t.Errorf("%s, %t", d.Name(), d.StoresAndForwards())
	}
	open, err := d.Open(t.Context(), tunnel.Local{})
	if err != nil {
		t.Fatal(err)
	}
	if s := <-open.Status(); !reflect.DeepEqual(s, tunnel.Status{Driver: "manual", State: tunnel.Live, URL: "https://hooks.example/room"}) {
		t.Errorf("%+v", s)
	}
	for range 2 {
		if err := open.Close(); err != nil {
			t.Error(err)
		}
	}
	if s := <-open.Status(); s.State != tunnel.Closed {
		t.Errorf("%+v", s)
	}
	if _, more := <-open.Status(); more {
		t.Error("the channel is open")
	}
}

func TestManualWithoutURL(t *testing.T) {
	for _, url := range []string{"", "hooks.example", "ftp://a.example", "https://", "https://a:b@c.example", "https://a.example/?x=1"} {
		if _, err := manual.New(manual.Options{URL: url}).Open(t.Context(), tunnel.Local{}); err == nil {
			t.Errorf("%q opens", url)
		}
	}
}
