package web

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"greenroom/internal/app"
)

func TestWhoSendsTooSlowlyMayComeAgain(t *testing.T) {
	s := &sink{answer: app.Answer{Status: 200}}
	l := listen(t, s, func(o *Options) { o.BodyTime = 50 * time.Millisecond })
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /hooks/daily HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nhalf")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" || !resp.Close {
		t.Errorf("answered %s, %v", resp.Status, resp.Header)
	}
	if len(s.got) != 0 {
		t.Errorf("half a body is handed over: %q", s.got[0].Body)
	}
}
