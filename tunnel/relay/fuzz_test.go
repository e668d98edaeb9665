package relay_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"greenroom/tunnel/relay"
)

// FuzzTarget: a target is taken apart into an id and what is meant for its client, and nothing of it is lost or changed.
func FuzzTarget(f *testing.F) {
	for _, t := range []string{"/h/abc", "/h/abc/", "/h/abc?x", "/h/abc/x?y#z", "/h/", "/h", "", "/h/%2f/../x", "/h//x"} {
		f.Add(t)
	}
	f.Fuzz(func(t *testing.T, target string) {
		id, rest, ok := relay.SplitTarget(target)
		if !ok {
			if strings.HasPrefix(target, "/h/") {
				t.Fatalf("%q has no hook", target)
			}
			return
		}
		if strings.ContainsAny(id, "/?") || !strings.HasPrefix(rest, "/") {
			t.Fatalf("%q is taken for %q and %q", target, id, rest)
		}
		// The slash is added where nothing, or only a query, follows.
		whole := "/h/" + id
		if again := whole + rest; again != target && whole+rest[1:] != target {
			t.Fatalf("%q becomes %q", target, again)
		}
	})
}

// FuzzSender: whatever a proxy passes on, the sender is an address of a few characters.
func FuzzSender(f *testing.F) {
	s, err := relay.Open(relay.Options{
		Sink: &queue{}, Hooks: map[string]string{"a": strings.Repeat("a", 26)}, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(f.Context()) })
	f.Add("1.2.3.4", "")
	f.Add("1.2.3.4, [::1]:80, fe80::1%eth0", "")
	f.Add("", `for=1.1.1.1;proto=https, for="[2001:db8::9]:4711"`)
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		r := &http.Request{RemoteAddr: "127.0.0.1:1", Header: http.Header{}}
		if xff != "" {
			r.Header.Set("X-Forwarded-For", xff)
		}
		r.Header.Set("Forwarded", forwarded)
		got := relay.Sender(s, r)
		if !relay.AddrOf(got).IsValid() || len(got) > 64 {
			t.Fatalf("%q", got)
		}
	})
}
