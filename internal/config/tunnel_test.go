package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheTunnelIsChosen(t *testing.T) {
	relay := map[string]string{"GREENROOM_RELAY_URL": "https://gr.example/", "GREENROOM_RELAY_TOKEN": " grt_hush "}
	tests := []struct {
		name, file string
		env        map[string]string
		flag       string
		want       Tunnel
		notice     string
	}{
		{name: "nothing", want: Tunnel{Driver: "none"}},
		{name: "the environment alone", env: relay, want: Tunnel{Driver: "relay", URL: "https://gr.example", Token: "grt_hush"}},
		{
			name: "the file", file: "[tunnel]\ndriver = \"relay\"\nurl = \"https://a.example/gr\"\ntoken = \"env:T\"\nwindow = 8\nca_file = \"/ca.pem\"",
			env: map[string]string{"T": "hush"}, want: Tunnel{Driver: "relay", URL: "https://a.example/gr", Token: "hush", Window: 8, CAFile: "/ca.pem"},
		},
		{
			name: "the environment over the file", file: "[tunnel]\ndriver = \"relay\"\nurl = \"https://a.example\"\ntoken = \"hush\"", env: relay,
			want: Tunnel{Driver: "relay", URL: "https://gr.example", Token: "grt_hush"},
		},
		{
			name: "another driver in the file", file: "[tunnel]\ndriver = \"manual\"\nurl = \"https://m.example\"", env: relay,
			want:   Tunnel{Driver: "manual", URL: "https://m.example"},
			notice: "GREENROOM_RELAY_TOKEN is ignored, because the tunnel is manual.",
		},
		{
			name: "the file's URL is for a driver of the command line too", flag: "manual", file: "[tunnel]\nurl = \"https://m.example\"",
			want: Tunnel{Driver: "manual", FromFlag: true, URL: "https://m.example"},
		},
		{name: "none on the command line", env: relay, flag: "none", want: Tunnel{Driver: "none", FromFlag: true}},
		{
			name: "another one on the command line", env: relay, file: "[tunnel]\ndriver = \"relay\"\nurl = \"https://gr.example\"\nssh_host = \"box.example\"\nssh_user = \"ada\"", flag: "ssh",
			want: Tunnel{Driver: "ssh", FromFlag: true, SSHHost: "box.example", SSHUser: "ada"},
		},
		{
			name: "a template for the URL",
			file: "[tunnel]\ndriver = \"ssh\"\nssh_host = \"box.example:2222\"\nurl = \"http://{host}:{port}/in/\"\npattern = \"x+\"\nssh_known_hosts = \"/kh\"",
			want: Tunnel{Driver: "ssh", SSHHost: "box.example:2222", URL: "http://{host}:{port}/in", Pattern: "x+", SSHKnownHosts: "/kh"},
		},
		{name: "a preset", file: "[tunnel]\ndriver = \"cloudflared\"", want: Tunnel{Driver: "cloudflared"}},
		{
			name: "a program", file: "[tunnel]\ndriver = \"exec\"\ncommand = [\"bore\", \"--secret\", \"hush\"]",
			want: Tunnel{Driver: "exec", Command: []string{"bore", "--secret", "hush"}},
		},
		{
			name: "half of a relay", env: map[string]string{"GREENROOM_RELAY_URL": "https://gr.example"},
			want: Tunnel{
				Driver: "relay", URL: "https://gr.example",
				Missing: "tunnel.token is not set: set GREENROOM_RELAY_TOKEN, or token under [tunnel], to what `greenroom relay token create` printed on the relay",
			},
			notice: "The relay tunnel can't be opened, because tunnel.token is not set",
		},
		{
			name: "another half", flag: "ngrok",
			want:   Tunnel{Driver: "ngrok", FromFlag: true, Missing: "tunnel.authtoken is not set: set authtoken under [tunnel]; the ngrok dashboard shows it"},
			notice: "The ngrok tunnel can't be opened",
		},
		{name: "on this machine", env: map[string]string{"GREENROOM_RELAY_URL": "http://127.0.0.1:8080", "GREENROOM_RELAY_TOKEN": "t"}, want: Tunnel{Driver: "relay", URL: "http://127.0.0.1:8080", Token: "t"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, tt.file, tt.env, func(o *Options) { o.Tunnel = tt.flag })
			if err != nil {
				t.Fatal(err)
			}
			if tt.want.Driver == "ssh" && tt.want.SSHKnownHosts == "" {
				tt.want.SSHKnownHosts = filepath.Join(c.DataDir, "known_hosts")
			}
			if d := cmp.Diff(tt.want, c.Tunnel); d != "" {
				t.Error(d)
			}
			if notices := strings.Join(c.Notices, "\n"); !strings.Contains(notices, tt.notice) || tt.notice == "" && notices != "" {
				t.Errorf("notices: %s", notices)
			}
			shown, err := json.Marshal(c.Settings())
			if err != nil || strings.Contains(string(shown), "hush") {
				t.Errorf("the settings show a secret: %s, %v", shown, err)
			}
		})
	}
}

func TestMistakesOfTheTunnel(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"driver", `driver = "wireguard"`, `config.toml:2: tunnel.driver can't be "wireguard": use none, relay, ssh,`},
		{"a misspelt key", `tokn = "x"`, "config.toml:2: tunnel.tokn is unknown: did you mean tunnel.token?"},
		{"a URL without TLS", "driver = \"relay\"\nurl = \"http://gr.example\"", "config.toml:3: tunnel.url is not encrypted: use https"},
		{"a URL with a password", "driver = \"relay\"\nurl = \"https://u:p@gr.example\"", "config.toml:3: tunnel.url has a password in it"},
		{"no URL", `url = "gr.example"`, "tunnel.url isn't an http or https URL"},
		{"a window that is text", `window = "8"`, "tunnel.window is out of range: write a number from 1 to 10000"},
		{"no window", `window = 0`, "tunnel.window is out of range"},
		{"a command that is a line", `command = "bore local"`, "tunnel.command isn't a JSON array of strings"},
		{"two words for a host", `ssh_host = "ada@box example"`, "tunnel.ssh_host can't be"},
		{"a pattern that is none", "driver = \"exec\"\npattern = \"(\"", "tunnel.pattern is not a regular expression"},
		{"a table", "[tunnel.ssh]\nhost = \"x\"", "config.toml:3: tunnel.ssh.host is unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, "[tunnel]\n"+tt.file, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
	_, err := load(t, "", nil, func(o *Options) { o.Tunnel = "wormhole" })
	if err == nil || !strings.Contains(err.Error(), `flag --tunnel: tunnel.driver can't be "wormhole"`) {
		t.Errorf("on the command line: %v", err)
	}
}

func TestATunnelIsShownWithWhereItCameFrom(t *testing.T) {
	c, err := load(t, "[tunnel]\nssh_user = \"ada\"", map[string]string{"GREENROOM_RELAY_URL": "https://gr.example", "GREENROOM_RELAY_TOKEN": "hush"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Settings() {
		if strings.HasPrefix(s.Key, "tunnel.") {
			got = append(got, strings.ReplaceAll(fmt.Sprint(s.Key, " ", s.Value, " ", s.From), c.File, "FILE"))
		}
	}
	want := []string{
		"tunnel.driver relay env GREENROOM_RELAY_URL", "tunnel.url https://gr.example env GREENROOM_RELAY_URL",
		"tunnel.token set env GREENROOM_RELAY_TOKEN", "tunnel.ca_file  default", "tunnel.window  default", "tunnel.ssh_user ada FILE:2",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
