package tunnel_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"greenroom/tunnel"
)

func TestPublicURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://a.example":             "https://a.example",
		" https://A.Example:8443/x/// ": "https://a.example:8443/x",
		"http://127.0.0.1:7070/":        "http://127.0.0.1:7070",
		"a.example":                     "",
		"https://":                      "",
		"https://u@a.example":           "",
		"https://a.example?":            "",
		"https://a.example/#top":        "",
		"javascript://a.example":        "",
		"https://a.example/\x00":        "",
		"https://Bücher.example/x":      "https://xn--bcher-kva.example/x",
		"https://日本語.example:8443":      "https://xn--wgv71a119e.example:8443",
		"https://my_host.example":       "https://my_host.example",
		"https://[2001:DB8::1]:8443/":   "https://[2001:db8::1]:8443",
		"https://a.example:0":           "",
		"https://a.example:99999":       "",
		"https://a.example/../x":        "",
		"https://a.example/%2e%2e/x":    "",
		"https://a.example/./x":         "",
		"https://-a-.exa mple":          "",
	} {
		got, err := tunnel.PublicURL(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", in, got, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x00") {
			t.Errorf("%q: raw text in %q", in, err)
		}
	}
}

// Text in the manner of what the services print; written for the test, not recorded from them.
var recorded = []struct{ name, site, text, want string }{
	{"localhost.run", "localhost.run", `
===============================================================================
Welcome to localhost.run!

Follow your favourite reverse tunnel at [https://twitter.com/localhost_run].

To set up and manage custom domains go to https://admin.localhost.run/

More details on custom domains (and how to enable subdomains of your custom
domain) at https://localhost.run/docs/custom-domains

If you get a permission denied error check the faq for how to connect with a key or
create a free tunnel without a key at [http://localhost:3000/docs/faq#generating-an-ssh-key].

To explore using localhost.run visit the documentation site:
https://localhost.run/docs/

===============================================================================


** your connection id is 2f5d5c2c-6d1c-4d4c-9a3e-0a8fd2c0f6cd, please mention it if you send me a message about an issue. **

authenticated as anonymous user
4f1d8c2ab3e7b6.lhr.life tunneled with tls termination, https://4f1d8c2ab3e7b6.lhr.life
create an account and add your key for a longer lasting domain name. see https://localhost.run/docs/forever-free/ for more information.
Open your tunnel address on your mobile with this QR:
`, "https://4f1d8c2ab3e7b6.lhr.life"},
	{"localhost.run changes the name", "localhost.run", `
4f1d8c2ab3e7b6.lhr.life tunneled with tls termination, https://4f1d8c2ab3e7b6.lhr.life
0123456789abcd.lhr.life tunneled with tls termination, https://0123456789abcd.lhr.life
`, "https://0123456789abcd.lhr.life"},
	{"serveo", "serveo.net", `
To request a particular subdomain, you first need to register your SSH public key.
To register, visit the URL below to login with Google or GitHub:

 Google: https://console.serveo.net/ssh/keys?add=SHA256%3Axyz

` + "\x1b[32mForwarding HTTP traffic from https://5e8a0c8a1f2c9d11d2c3b4a5f6e7d8c9.serveo.net\x1b[0m\r\n", "https://5e8a0c8a1f2c9d11d2c3b4a5f6e7d8c9.serveo.net"},
	{"pinggy", "a.pinggy.io", `
You are not authenticated.
Your tunnel will expire in 60 minutes. Upgrade to Pinggy Pro to get unrestricted tunnels. https://dashboard.pinggy.io

http://rnabc-203-0-113-7.a.free.pinggy.link
https://rnabc-203-0-113-7.a.free.pinggy.link
`, "https://rnabc-203-0-113-7.a.free.pinggy.link"},
	{"sish", "tuns.sh", `
Press Ctrl-C to close the session.

Starting SSH Forwarding service for http:80. Forwarded connections can be accessed via the following methods:
HTTP: http://green-room.tuns.sh
HTTPS: https://green-room.tuns.sh
`, "https://green-room.tuns.sh"},
	{"tailscale funnel", "", `
Available on the internet:

https://laptop.tail1234.ts.net/
|-- proxy http://127.0.0.1:7070

Press Ctrl+C to exit.
`, "https://laptop.tail1234.ts.net"},
	{"localtunnel", "", "your url is: https://quick-fox-12.loca.lt\n", "https://quick-fox-12.loca.lt"},
	{"ngrok's log", "", `t=2026-01-02T03:04:05 lvl=info msg="started tunnel" obj=tunnels name=command_line addr=http://localhost:7070 url=https://1a2b-203-0-113-7.ngrok-free.app` + "\n", "https://1a2b-203-0-113-7.ngrok-free.app"},
	{"a tunnel without TLS", "", "Web interface at http://127.0.0.1:4040\nforwarding to http://localhost:7070\nlistening at http://bore.example:31337\n", "http://bore.example:31337"},
	{"http before https", "", "up at http://a.example\nand at https://a.example too\n", "https://a.example"},
	{"an own server's greeting", "vps.example", `
Welcome to Ubuntu 24.04.1 LTS (GNU/Linux 6.8.0-49-generic x86_64)

 * Documentation:  https://help.ubuntu.com
 * Management:     https://landscape.canonical.com/docs
 * Support:        https://ubuntu.com/pro
`, ""},
}

func TestAnnouncements(t *testing.T) {
	for _, r := range recorded {
		t.Run(r.name, func(t *testing.T) {
			a := tunnel.Announcements{Site: r.site}
			got := ""
			for line := range strings.Lines(r.text) {
				if url, news := a.Line(strings.TrimRight(line, "\n")); news {
					got = url
				}
			}
			if got != r.want {
				t.Errorf("found %q, want %q", got, r.want)
			}
		})
	}
}

func TestAWrongURLGivesWayToTheNext(t *testing.T) {
	var a tunnel.Announcements
	for _, line := range []string{"made by https://maker.example", "your tunnel is https://t.example", "or http://t.example, but not http://10.0.0.1"} {
		a.Line(line)
	}
	now := "https://maker.example"
	for _, want := range []string{"https://t.example", "http://t.example", "https://maker.example"} {
		got, news := a.Refuted(now)
		if got != want || !news {
			t.Fatalf("after %s: %s, %t", now, got, news)
		}
		if again, news := a.Refuted("https://other.example"); news || again != want {
			t.Errorf("what isn't tried now was refuted: %s", again)
		}
		now = got
	}
	if got, news := a.Line("https://announced.example"); got != "https://announced.example" || !news {
		t.Fatal(got, news)
	}
	if got, news := a.Refuted("https://announced.example"); news {
		t.Errorf("what was announced gave way to %s", got)
	}
	for i := range 100 {
		a.Line(fmt.Sprintf("see https://x%d.example too", i))
	}
}

func TestAnnouncementsByPattern(t *testing.T) {
	a := tunnel.Announcements{Pattern: regexp.MustCompile(`public=(\S+)`)}
	for _, test := range []struct {
		line, want string
		news       bool
	}{
		{"https://docs.example", "", false},
		{"public=nothing", "", false},
		{"public=http://10.0.0.1:80/", "http://10.0.0.1:80", true},
		{"public=http://10.0.0.1:80", "http://10.0.0.1:80", false},
		{"public=https://b.example", "https://b.example", true},
	} {
		if got, news := a.Line(test.line); got != test.want || news != test.news {
			t.Errorf("%q: %q, %t", test.line, got, news)
		}
	}
	whole := tunnel.Announcements{Pattern: regexp.MustCompile(`https://\S+\.example`)}
	if got, _ := whole.Line("at https://a.example now"); got != "https://a.example" {
		t.Errorf("a pattern without a group: %q", got)
	}
}

func FuzzAnnouncements(f *testing.F) {
	for _, r := range recorded {
		f.Add(r.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var a tunnel.Announcements
		for line := range strings.Lines(text) {
			url, news := a.Line(line)
			if !news {
				continue
			}
			if clean, err := tunnel.PublicURL(url); err != nil || clean != url || !strings.HasPrefix(url, "http") {
				t.Fatalf("%q is found in %q: %v", url, line, err)
			}
		}
	})
}
