package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"greenroom/provider"
	"greenroom/provider/daily"
	"greenroom/provider/whereby"
)

// drivers are two platforms of a build, and one that it lacks.
func drivers() []provider.Driver {
	return []provider.Driver{daily.Driver(), whereby.Driver(), {
		Platform: provider.LiveKit,
		Variables: []provider.Variable{
			{Name: "LIVEKIT_URL", Key: "api_url"}, {Name: "LIVEKIT_API_KEY", Key: "api_key"}, {Name: "LIVEKIT_API_SECRET", Key: "api_secret"},
		},
	}}
}

// load runs Load on a file of the given text ("" for none) and environment, away from the machine's own settings.
func load(t *testing.T, file string, env map[string]string, tweak ...func(*Options)) (*Config, error) {
	t.Helper()
	home := t.TempDir()
	all := map[string]string{"XDG_CONFIG_HOME": home, "XDG_DATA_HOME": filepath.Join(home, "data"), "XDG_RUNTIME_DIR": filepath.Join(home, "run")}
	for k, v := range env {
		all[k] = v
	}
	if file != "" {
		dir := filepath.Join(home, "greenroom")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o := Options{Drivers: drivers(), Getenv: func(k string) string { return all[k] }}
	for _, f := range tweak {
		f(&o)
	}
	return Load(context.Background(), o)
}

// mistakes is load for tests that look for what is wrong, whether it stops the program or one account.
func mistakes(t *testing.T, file string, env map[string]string, tweak ...func(*Options)) error {
	t.Helper()
	c, err := load(t, file, env, tweak...)
	if err != nil {
		return err
	}
	return c.Problems()
}

func TestDefaults(t *testing.T) {
	c, err := load(t, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.HasFile || len(c.Accounts) != 0 || c.Listen != "127.0.0.1:7070" || c.ListenSet || c.BodyLimit != 1<<20 ||
		c.Retention != (Retention{30 * 24 * time.Hour, 2 << 30}) || !c.Mouse || c.Theme != "auto" {
		t.Errorf("defaults: %+v", c)
	}
	if filepath.Base(c.DataDir) != "greenroom" || filepath.Base(filepath.Dir(c.DataDir)) != "data" {
		t.Errorf("data dir %s", c.DataDir)
	}
	if filepath.Base(filepath.Dir(c.RuntimeDir)) != "run" {
		t.Errorf("runtime dir %s", c.RuntimeDir)
	}
}

func TestEnvironmentAlone(t *testing.T) {
	c, err := load(t, "", map[string]string{
		"DAILY_API_KEY": "dk", "DAILY_API_URL": "http://127.0.0.1:9/", "DAILY_WEBHOOK_SECRET": "ds", "DAILY_SUBDOMAIN": "acme",
		"DAILY_WEBHOOK_SIGNATURE": "simple", "AWS_DAILY_S3_BUCKET": "db", "AWS_DAILY_ROLE_ARN": "arn:aws:iam::1:role/d",
		"WHEREBY_API_KEY": "wk", "WHEREBY_API_URL": "https://w.example/base/v1/", "WHEREBY_WEBHOOK_SECRET": "ws",
		"AWS_WHEREBY_S3_BUCKET": "wb", "AWS_WHEREBY_ACCESS_KEY_ID": "wi", "AWS_WHEREBY_ACCESS_KEY_SECRET": "wx", "AWS_S3_REGION": "eu-west-1",
		"DAILY_MIGRATION_ENABLED": "True", "DAILY_MIGRATION_ROOM_IDS": `["a","b"]`, "DEFAULT_VIDEO_PLATFORM": "whereby",
		"LIVEKIT_URL": "https://lk.example", "LIVEKIT_API_KEY": "lk", "LIVEKIT_API_SECRET": "ls", "GREENROOM_RELAY_URL": "https://r.example",
		"GREENROOM_DATA_DIR": "/somewhere",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []provider.Account{
		{Name: "whereby", Platform: provider.Whereby, APIKey: "wk", APIURL: "https://w.example/base/v1", WebhookSecret: "ws",
			Recording: provider.RecordingTarget{Bucket: "wb", Region: "eu-west-1", AccessKeyID: "wi", AccessKeySecret: "wx"}},
		{Name: "daily", Platform: provider.Daily, APIKey: "dk", APIURL: "http://127.0.0.1:9/v1", WebhookSecret: "ds", WebhookSignature: "simple",
			Subdomain: "acme", Recording: provider.RecordingTarget{Bucket: "db", Region: "us-west-2", RoleARN: "arn:aws:iam::1:role/d"}},
	}
	byName := cmpopts.SortSlices(func(a, b provider.Account) bool { return a.Name < b.Name })
	if d := cmp.Diff(want, c.Accounts, byName); d != "" {
		t.Error(d)
	}
	policy := Policy{MigrationSet: true, MigrationEnabled: true, MigrationRooms: []string{"a", "b"}, DefaultPlatform: provider.Whereby,
		DefaultAccounts: map[provider.Platform]string{provider.Daily: "daily", provider.Whereby: "whereby"}}
	if d := cmp.Diff(policy, c.Policy); d != "" {
		t.Error(d)
	}
	notices := strings.Join(c.Notices, "\n")
	if !strings.Contains(notices, "livekit is not in this build yet. It has daily and whereby.") || !strings.Contains(notices, "tunnel.token is not set: set GREENROOM_RELAY_TOKEN") {
		t.Errorf("notices: %s", notices)
	}
	if runtime.GOOS != "windows" && c.DataDir != "/somewhere" {
		t.Errorf("data dir %s", c.DataDir)
	}
}

const wholeFile = `# everything
listen = "127.0.0.1:9999"
body_limit = "2MiB"
theme = "dark"
mouse = false
default_platform = "daily"

[retention]
age = "2w"
size = 5_000_000

[migration]
enabled = false

[daily]
recording = "both"

[accounts.zeta]
platform = "daily"
api_key = "env:ZETA_KEY"
api_url = "https://zeta.example"

[accounts.acme]
platform = "daily"
default = true
api_key = "literal-key"
webhook_secret = "cmd:echo '  from a command '"
recording = { bucket = "b", role_arn = "arn:x", mode = "cloud" }

[accounts.whereby]
api_key = "in-the-file"

[keys]
quit = "ctrl+q"
"room.new" = ["n", "a"]
`

func TestFile(t *testing.T) {
	c, err := load(t, wholeFile, map[string]string{"ZETA_KEY": "zk", "WHEREBY_API_KEY": "over", "DAILY_API_KEY": "third"},
		func(o *Options) { o.Listen = "127.0.0.1:0" })
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range c.Accounts {
		names = append(names, a.Name+"="+a.APIKey)
	}
	if got := strings.Join(names, " "); got != "zeta=zk acme=literal-key whereby=over daily=third" {
		t.Errorf("accounts %s", got)
	}
	if c.Accounts[1].WebhookSecret != "from a command" {
		t.Errorf("command secret %q", c.Accounts[1].WebhookSecret)
	}
	if c.Accounts[0].Recording.Mode != "both" || c.Accounts[1].Recording.Mode != "cloud" || c.Accounts[0].APIURL != "https://zeta.example/v1" {
		t.Errorf("recording modes and URL: %#v", c.Accounts[0].Recording)
	}
	if c.Policy.DefaultAccounts[provider.Daily] != "acme" || !c.Policy.MigrationSet || c.Policy.MigrationEnabled {
		t.Errorf("policy %+v", c.Policy)
	}
	if c.Listen != "127.0.0.1:0" || !c.ListenSet || c.BodyLimit != 2<<20 || c.Retention != (Retention{14 * 24 * time.Hour, 5_000_000}) || c.Mouse {
		t.Errorf("general %+v", c)
	}
	if d := cmp.Diff(map[string][]string{"quit": {"ctrl+q"}, "room.new": {"n", "a"}}, c.Keys); d != "" {
		t.Error(d)
	}
}

func TestSettingsTellOrigins(t *testing.T) {
	c, err := load(t, wholeFile, map[string]string{"ZETA_KEY": "zk", "WHEREBY_API_KEY": "over"}, func(o *Options) { o.Listen = "127.0.0.1:0" })
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Setting{}
	for _, s := range c.Settings() {
		if _, twice := got[s.Key]; twice {
			t.Errorf("%s is listed twice", s.Key)
		}
		got[s.Key] = s
	}
	at := func(line int) string { return fmt.Sprintf("%s:%d", c.File, line) }
	for key, want := range map[string]Setting{
		"listen":                       {Value: "127.0.0.1:0", From: "flag --addr"},
		"theme":                        {Value: "dark", From: at(4)},
		"retention.size":               {Value: "5000000B", From: at(10)},
		"accounts.zeta.api_key":        {Value: "set (env:ZETA_KEY)", Secret: true, From: at(20)},
		"accounts.acme.api_key":        {Value: "set", Secret: true, From: at(26)},
		"accounts.acme.webhook_secret": {Value: "set (cmd)", Secret: true, From: at(27)},
		"accounts.whereby.api_key":     {Value: "set", Secret: true, From: "env WHEREBY_API_KEY"},
		"data_dir":                     {Value: c.DataDir, From: "default"},
	} {
		want.Key = key
		if d := cmp.Diff(want, got[key]); d != "" {
			t.Errorf("%s: %s", key, d)
		}
	}
	all, err := json.Marshal(c.Settings())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"zk\"", "literal-key", "from a command", "over\""} {
		if strings.Contains(string(all), secret) {
			t.Errorf("the settings show the secret %q", secret)
		}
	}
}

func TestMistakes(t *testing.T) {
	for _, test := range []struct {
		name, file string
		env        map[string]string
		want       string // part of the message
	}{
		{"unknown key", "mouse = true\n\nmuose = false\n", nil, "config.toml:3: muose is unknown: did you mean mouse?"},
		{"unknown key of an account", "[accounts.a]\nplatform = \"daily\"\napikey = \"x\"\n", nil, "config.toml:3: accounts.a.apikey is unknown: did you mean accounts.a.api_key?"},
		{"a table below one of an array", "[[forward]]\nname = \"a\"\n[[forward]]\nname = \"b\"\n[forward.sub]\nx = 1\n", nil, "config.toml:6: forward.1.sub.x is unknown"},
		{"a byte order mark", "\ufeff[accounts.a]\nplatform = \"dialy\"\n", nil, "config.toml:2: accounts.a.platform can't be"},
		{"unknown table", "[tunel]\n\n  driver = \"relay\"", nil, "config.toml:3: tunel.driver is unknown: did you mean tunnel.driver?"},
		{"unknown key in an inline table", "[accounts.a]\nrecording = { buckt = \"x\" }", nil, "config.toml:2: accounts.a.recording.buckt is unknown"},
		{"an account that is no table", "accounts = 3", nil, "config.toml:1: accounts is unknown"},
		{"an array of accounts", "\n[[accounts.a]]\nplatform=\"daily\"", nil, "config.toml:2: accounts.a is unknown"},
		{"syntax", "mouse = true\ntheme = dark\n", nil, "config.toml:2: isn't TOML"},
		{"no sign", "theme dark\n", nil, "config.toml:1: isn't TOML: expected '.' or '=', but got … instead"},
		{"text for a truth", "theme = \"dark\"\nmouse = \"no\"", nil, "config.toml:2: mouse is text: use true or false, without quotes"},
		{"a number for a truth", "mouse = 1", nil, "config.toml:1: mouse isn't true or false"},
		{"text wanted", "theme = 3", nil, "theme isn't text"},
		{"theme", "theme = \"pink\"", nil, "use auto, light, dark"},
		{"platform", "[accounts.a]\nplatform = \"zoom\"", nil, `config.toml:2: accounts.a.platform can't be "zoom": use daily, whereby`},
		{"no platform", "[accounts.a]\napi_key = \"k\"", nil, "config.toml:2: accounts.a has no platform"},
		{"account name", "[accounts.\"A b\"]\nplatform = \"daily\"", nil, "isn't a valid account name"},
		{"two defaults", "[accounts.a]\nplatform=\"daily\"\napi_key=\"k\"\ndefault=true\n[accounts.b]\nplatform=\"daily\"\napi_key=\"k\"\ndefault=true", nil, "config.toml:8: accounts.b.default is a second default account for daily"},
		{"body limit", "body_limit = \"26MiB\"", nil, "body_limit is out of range: from 1KiB to 25MiB"},
		{"retention", "[retention]\nage = \"5s\"", nil, "retention.age isn't an age"},
		{"listen without a host", "listen = \":7070\"", nil, "listen can't be"},
		{"listen on no port", "listen = \"localhost:99999\"", nil, "listen has no port"},
		{"listen without a port", "listen = \"localhost\"", nil, "listen can't be"},
		{"keys", "[keys]\nquit = 3", nil, "keys.quit isn't a list"},
		{"no key", "[keys]\nquit = []", nil, "config.toml:2: keys.quit has no key"},
		{"rooms in the file", "[migration]\nrooms = [1]", nil, "migration.rooms has an item that isn't text"},
		{"rooms", "", map[string]string{"DAILY_MIGRATION_ROOM_IDS": "a,b"}, `DAILY_MIGRATION_ROOM_IDS: isn't a JSON array of strings: write it like ["all-hands"`},
		{"rooms null", "", map[string]string{"DAILY_MIGRATION_ROOM_IDS": "[null]"}, "DAILY_MIGRATION_ROOM_IDS: isn't a JSON array"},
		{"migration", "", map[string]string{"DAILY_MIGRATION_ENABLED": "maybe"}, `DAILY_MIGRATION_ENABLED: can't be "maybe"`},
		{"default platform", "", map[string]string{"DEFAULT_VIDEO_PLATFORM": "zoom"}, `DEFAULT_VIDEO_PLATFORM: can't be "zoom": use daily, whereby`},
		{"URL", "", map[string]string{"DAILY_API_KEY": "k", "DAILY_API_URL": "api.daily.co"}, "DAILY_API_URL: isn't an http or https URL"},
		{"URL with a key", "", map[string]string{"DAILY_API_KEY": "k", "DAILY_API_URL": "https://u:p@h/v1"}, "DAILY_API_URL: has a password in it"},
		{"signature", "", map[string]string{"DAILY_API_KEY": "k", "DAILY_WEBHOOK_SIGNATURE": "plain"}, "DAILY_WEBHOOK_SIGNATURE: can't be"},
		{"role", "", map[string]string{"DAILY_API_KEY": "k", "AWS_DAILY_ROLE_ARN": "daily"}, "AWS_DAILY_ROLE_ARN: isn't a role's ARN"},
		{"env reference", "[accounts.daily]\napi_key = \"env:NOT_THERE\"", nil, "config.toml:2: accounts.daily.api_key can't be fetched: the variable NOT_THERE is not set"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := mistakes(t, test.file, test.env)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := load(t, "theme = \"pink\"", map[string]string{"DEFAULT_VIDEO_PLATFORM": "zoom"})
	if n := len(Errors(err)); n != 2 {
		t.Errorf("%d errors: %v", n, err)
	}
}

func TestChosenFileMustBeThere(t *testing.T) {
	for name, tweak := range map[string]func(*Options){
		"flag": func(o *Options) { o.File = filepath.Join(t.TempDir(), "none.toml") },
		"env": func(o *Options) {
			o.Getenv = func(k string) string {
				if k == "GREENROOM_CONFIG" {
					return filepath.Join(t.TempDir(), "none.toml")
				}
				return ""
			}
		},
	} {
		if _, err := load(t, "", nil, tweak); err == nil || !strings.Contains(err.Error(), "none.toml: no such file") && runtime.GOOS != "windows" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLiteralSecretNeedsPrivateFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no mode bits")
	}
	path := filepath.Join(t.TempDir(), "c.toml")
	text := "[accounts.daily]\napi_key = \"hush-hush\"\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := load(t, "", nil, func(o *Options) { o.File = path })
	if err == nil || !strings.Contains(err.Error(), ":2: accounts.daily.api_key is a secret, but others can read the file: run `chmod 600") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(fmt.Sprint(err), "hush") {
		t.Error("the error shows the secret")
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(t, "", nil, func(o *Options) { o.File = path }); err != nil {
		t.Error(err)
	}
}

func TestFingerprint(t *testing.T) {
	base := map[string]string{"DAILY_API_KEY": "k", "DAILY_WEBHOOK_SECRET": "s"}
	print := func(file string, env map[string]string) string {
		c, err := load(t, file, env)
		if err != nil {
			t.Fatal(err)
		}
		return c.Fingerprint()
	}
	first := print("", base)
	if len(first) != 16 || first != print("theme = \"dark\"", base) {
		t.Errorf("the theme changes the fingerprint, or it is odd: %q", first)
	}
	if first == print("", map[string]string{"DAILY_API_KEY": "k", "DAILY_WEBHOOK_SECRET": "other"}) {
		t.Error("another secret has the same fingerprint")
	}
	if first == print("default_platform = \"daily\"", base) {
		t.Error("another policy has the same fingerprint")
	}
}

func TestAccountWithoutKeyIsNoticed(t *testing.T) {
	c, err := load(t, "", map[string]string{"DAILY_WEBHOOK_SECRET": "s"})
	if err != nil || len(c.Accounts) != 0 {
		t.Fatal(c, err)
	}
	if got := strings.Join(c.Notices, ""); !strings.Contains(got, "skipped") || !strings.Contains(got, "set DAILY_API_KEY") {
		t.Errorf("notices %q", got)
	}
}

func TestErrorsOfOthers(t *testing.T) {
	if got := Errors(errors.New("else")); got != nil {
		t.Errorf("got %v", got)
	}
}

// Errors lists every [Error] in err, in the order in which they were found.
func Errors(err error) []*Error {
	var out []*Error
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			out = append(out, Errors(e)...)
		}
		return out
	}
	var e *Error
	if errors.As(err, &e) {
		out = append(out, e)
	}
	return out
}
