package config

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDownloadDefaults(t *testing.T) {
	c, err := load(t, "", map[string]string{"DAILY_API_KEY": "k", "XDG_DOWNLOAD_DIR": "/somewhere"})
	if err != nil {
		t.Fatal(err)
	}
	want := Download{Folder: filepath.Join(Absolute("/somewhere"), "greenroom"), Template: "{room}/{date}-{time}-{room}-{id}.{ext}", Files: 2, Workers: 4, FileMode: 0o600,
		Parallel: 2, Timeout: 6 * time.Hour}
	if d := cmp.Diff(want, c.Download); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]Fetch{"daily": {}}, c.Fetch); d != "" {
		t.Error(d)
	}
	c, err = load(t, "", nil)
	if err != nil || filepath.Base(c.Download.Folder) != "greenroom" || !filepath.IsAbs(c.Download.Folder) {
		t.Errorf("%q, %v", c.Download.Folder, err)
	}
	if c.Download.Timeout != 6*time.Hour || c.Download.Parallel != 2 {
		t.Errorf("%s, %d at once", c.Download.Timeout, c.Download.Parallel)
	}
	if c, err = load(t, "[download]\nfile_mode = \"umask\"", nil); err != nil || c.Download.FileMode != 0o666 || !c.Download.Umask {
		t.Errorf("%+v, %v", c.Download, err)
	}
	if c, err = load(t, "[download]\ntimeout = \"off\"", nil); err != nil || c.Download.Timeout != 0 {
		t.Errorf("off: %v", err)
	}
}

func TestDownloadSettings(t *testing.T) {
	c, err := load(t, `
[download]
folder = "/videos"
template = "{room}/{id}.{ext}"
time_zone = "Europe/Berlin"
limit_rate = "5M"
files = 3
workers = 8
file_mode = "0640"
on_download = ["whisper", "{path}"]
on_failure = ["notify", "failed"]
parallel = 3
timeout = "90m"

[accounts.daily]
api_key = "k"
auto_download = true
delete_after = true
[accounts.daily.recording]
bucket = "b"
access_key_id = "reader"
access_key_secret = "hush"
read_access_key_id = "env:READER"
read_access_key_secret = "env:READER_SECRET"
endpoint = "https://s3.example.com"
path_style = true
read_role_arn = "arn:aws:iam::1:role/reader"
queue = "https://sqs.us-west-2.amazonaws.com/1/recordings"
sweep = "off"
`, map[string]string{"READER": "r", "READER_SECRET": "rs"})
	if err != nil {
		t.Fatal(err)
	}
	want := Download{
		Folder: Absolute("/videos"), Template: "{room}/{id}.{ext}", TimeZone: "Europe/Berlin", LimitRate: 5 << 20, Files: 3, Workers: 8, FileMode: 0o640,
		OnDownload: []string{"whisper", "{path}"}, OnFailure: []string{"notify", "failed"}, Parallel: 3, Timeout: 90 * time.Minute,
	}
	if d := cmp.Diff(want, c.Download); d != "" {
		t.Error(d)
	}
	fetch := Fetch{
		AutoDownload: true, DeleteAfter: true, Endpoint: "https://s3.example.com", PathStyle: true,
		ReadKeyID: "r", ReadKeySecret: "rs", ReadRole: "arn:aws:iam::1:role/reader", Queue: "https://sqs.us-west-2.amazonaws.com/1/recordings",
	}
	if d := cmp.Diff(fetch, c.Fetch["daily"]); d != "" {
		t.Error(d)
	}
	if r := c.Accounts[0].Recording; r.AccessKeyID != "reader" || r.AccessKeySecret != "hush" {
		t.Errorf("the keys for reading Daily's bucket: %q", r.AccessKeyID)
	}
	other, err := load(t, "[download]\nlimit_rate = 2048\n", nil)
	if err != nil || other.Download.LimitRate != 2048 {
		t.Errorf("%d, %v", other.Download.LimitRate, err)
	}
	plain, err := load(t, "", nil)
	if err != nil || plain.Fingerprint() == other.Fingerprint() {
		t.Errorf("another limit has the same fingerprint, %v", err)
	}
}

func TestSweeps(t *testing.T) {
	const queue = "recording.queue = \"https://sqs.us-west-2.amazonaws.com/1/q\"\n"
	for file, want := range map[string]time.Duration{
		"":                                  0,
		queue:                               24 * time.Hour,
		"recording.sweep = \"1h\"":          time.Hour,
		queue + "recording.sweep = \"90m\"": 90 * time.Minute,
		queue + "recording.sweep = \"off\"": 0,
		queue + "recording.sweep = \"0\"":   0,
	} {
		c, err := load(t, "[accounts.whereby]\napi_key = \"k\"\nrecording.bucket = \"b\"\n"+file, nil)
		if err != nil || c.Fetch["whereby"].Sweep != want {
			t.Errorf("%q: %+v, %v", file, c, err)
		}
	}
	// Turning off what is off needs no bucket.
	if _, err := load(t, "[accounts.whereby]\napi_key = \"k\"\nrecording.sweep = \"off\"", nil); err != nil {
		t.Error(err)
	}
}

func TestDownloadMistakes(t *testing.T) {
	for file, want := range map[string]string{
		"[download]\nfoldr = \"x\"":                                  "config.toml:2: download.foldr is unknown: did you mean download.folder?",
		"[download]\nfolder = \"\"":                                  "config.toml:2: download.folder is empty",
		"[download]\ntime_zone = \"Mars\"":                           `download.time_zone isn't a time zone: "Mars": write an IANA name`,
		"[download]\nlimit_rate = \"5\"":                             `download.limit_rate can't be "5"`,
		"[download]\nlimit_rate = \"fast\"":                          "write bytes per second like",
		"[download]\nfiles = 0":                                      "download.files is out of range: write a number from 1 to 16",
		"[download]\nfile_mode = \"0240\"":                           "download.file_mode isn't a file mode that lets the owner read and write",
		"[download]\nfile_mode = \"rw\"":                             `write it like "0640", or "umask"`,
		"[download]\nworkers = \"4\"":                                "download.workers is out of range",
		"[download]\non_download = \"whisper {path}\"":               "download.on_download isn't a JSON array of strings",
		"[download]\non_download = [\"\"]":                           "download.on_download begins with an empty text",
		"[download]\non_failure = [\"\"]":                            "download.on_failure begins with an empty text",
		"[download]\ntimeout = \"0.1s\"":                             "download.timeout isn't a duration of at least a second",
		"[download]\nparallel = 0":                                   "download.parallel is out of range",
		"[accounts.daily]\napi_key=\"k\"\nauto_downlaod = true":      "accounts.daily.auto_downlaod is unknown: did you mean accounts.daily.auto_download?",
		"[accounts.daily]\napi_key=\"k\"\nrecording.sweep = \"5s\"":  "recording.sweep isn't a duration of at least a minute",
		"[accounts.daily]\napi_key=\"k\"\nrecording.queue = \"sqs\"": "recording.queue isn't an http or https URL",
		"[accounts.daily]\napi_key=\"k\"\nrecording.queue = \"https://sqs.us-west-2.amazonaws.com\"": "config.toml:3: accounts.daily.recording.queue isn't the URL of a queue",
		"[accounts.daily]\napi_key=\"k\"\nrecording.queue = \"https://sqs/1/q\"":                     "recording.queue needs a bucket: set bucket under [accounts.daily.recording]",
		"[accounts.daily]\napi_key=\"k\"\nrecording.sweep = \"1h\"":                                  "config.toml:3: accounts.daily.recording.sweep needs a bucket",
		"[accounts.daily]\napi_key=\"k\"\nrecording.endpoint=\"s3\"":                                 "recording.endpoint isn't an http or https URL",
		"[accounts.daily]\napi_key=\"k\"\nrecording.read_role_arn=\"x\"":                             "recording.read_role_arn isn't a role's ARN",
		"[accounts.daily]\napi_key=\"k\"\nrecording.read_access_key_id = \"x\"":                      "config.toml:3: accounts.daily.recording.read_access_key_id needs read_access_key_secret beside it",
	} {
		if err := mistakes(t, file, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v\nwant %s", file, err, want)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "off": 0, "0": 0, "5M": 5 << 20, "5M/s": 5 << 20, "800KiB": 800 << 10, "2048": 2048, "1.5MB": 1500000} {
		if n, ok := ParseRate(text); !ok || n != want {
			t.Errorf("%q: %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"5", "-1M", "fast", "M", "5 M/h", "1023"} {
		if n, ok := ParseRate(text); ok {
			t.Errorf("%q: %d", text, n)
		}
	}
}

func TestSecretVariables(t *testing.T) {
	c, err := load(t, "[accounts.zeta]\nplatform=\"daily\"\napi_key = \"env:ZETA_KEY\"", map[string]string{"ZETA_KEY": "k"})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(c.SecretVariables(), " ")
	for _, want := range []string{"ZETA_KEY", "DAILY_API_KEY", "AWS_WHEREBY_ACCESS_KEY_SECRET", "GREENROOM_RELAY_TOKEN", "LIVEKIT_API_SECRET"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among %s", want, got)
		}
	}
	if strings.Contains(got, "GREENROOM_DATA_DIR") || strings.Contains(got, "DAILY_API_URL") {
		t.Errorf("%s are no secrets", got)
	}
}
