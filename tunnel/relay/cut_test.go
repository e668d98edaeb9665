package relay_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/tunnel/relay"
)

func TestABodyThatDidNotArriveWholeIsNoRequest(t *testing.T) {
	b := newBench(t, relay.Options{})
	for name, send := range map[string]string{
		"less than announced":  "Content-Length: 100\r\n\r\nfifty bytes of a hundred",
		"much, and still less": "Content-Length: 900000\r\n\r\n" + strings.Repeat("x", 600000),
		"chunks without end":   "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /h/%s/cut HTTP/1.1\r\nHost: x\r\n%s", b.hook.ID, send)
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode/100 == 2 {
				t.Errorf("%s: answered %s", name, resp.Status)
			}
		}
		c.Close()
	}
	if status, _, _ := b.post(t, b.hook.ID, "", "whole"); status != 200 {
		t.Fatal(status)
	}
	p, _ := b.join(t)
	if r := p.request(); string(r.body) != "whole" {
		t.Errorf("%d bytes of a body that didn't arrive whole are delivered", len(r.body))
	}
}
