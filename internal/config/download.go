package config

import (
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"greenroom/provider"
)

// Download is how recordings are fetched.
type Download struct {
	// Folder is absolute.
	Folder string
	// Template names files in it. It is checked by what uses it.
	Template string
	// TimeZone is an IANA name, empty for this machine's.
	TimeZone string
	// LimitRate is in bytes per second, 0 for no limit.
	LimitRate int64
	// Files come at once, Workers fetch one file at once.
	Files   int
	Workers int
	// FileMode are the permissions of the files. Umask leaves them to the user's umask, as other programs do.
	FileMode fs.FileMode
	Umask    bool
	// OnDownload is a command with its arguments that is run on each recording that was downloaded, OnFailure one that is run
	// when a download or OnDownload has failed for good; empty for none. Parallel of them run at once, each for Timeout
	// at most; 0 is no limit.
	OnDownload []string
	OnFailure  []string
	Parallel   int
	Timeout    time.Duration
}

// Fetch holds the settings for reading an account's recordings.
type Fetch struct {
	// AutoDownload downloads new recordings automatically, DeleteAfter deletes those from the platform once downloaded.
	AutoDownload, DeleteAfter bool
	// Endpoint is the URL of another S3 than Amazon's; PathStyle puts the bucket into the path. ReadRole is assumed for
	// reading.
	Endpoint  string
	PathStyle bool
	ReadRole  string
	// ReadKeyID and ReadKeySecret are for reading alone, in place of the keys that the platform writes with; both or none.
	ReadKeyID, ReadKeySecret string
	// Queue is the URL of an SQS queue with notifications of the bucket's new objects. Sweep is how often the bucket is listed
	// for objects without a notification, 0 for never. Neither is set without a bucket.
	Queue string
	Sweep time.Duration
}

func (r *reader) downloadFolder(key string) {
	r.cfg.Download.Folder = r.text(key, defaultFolder(r.opts.Getenv, r.cfg.DataDir), func(s string) (string, string, string) {
		if strings.TrimSpace(s) == "" {
			return "", "is empty", `write it like "~/Videos/meetings"`
		}
		return anyPath(s)
	})
}

// timeZone accepts the name of a time zone.
func timeZone(s string) (string, string, string) {
	if _, err := time.LoadLocation(s); err != nil || s == "Local" {
		return "", fmt.Sprintf("isn't a time zone: %q", s), `write an IANA name such as "America/New_York", or leave it out for this machine's zone`
	}
	return s, "", ""
}

func (r *reader) fileMode(key string) {
	d := &r.cfg.Download
	switch mode := r.text(key, "0600", fileMode); mode {
	case "umask":
		d.FileMode, d.Umask = 0o666, true
	default:
		n, _ := strconv.ParseUint(mode, 8, 32) // fileMode has looked
		d.FileMode = fs.FileMode(n)
	}
}

// fileMode checks the permissions of files.
func fileMode(s string) (value, problem, hint string) {
	if s = strings.TrimSpace(s); s == "umask" {
		return s, "", ""
	}
	if n, err := strconv.ParseUint(s, 8, 32); err != nil || n > 0o777 || n&0o600 != 0o600 {
		return "", fmt.Sprintf("isn't a file mode that lets the owner read and write: %q", s), `write it like "0640", or "umask"`
	}
	return s, "", ""
}

// program reads a program with its arguments.
func (r *reader) program(key, example string) []string {
	args := r.texts(key, example)
	if v, set := r.values[key]; set && len(args) > 0 && args[0] == "" {
		r.fail(v.from, key, "begins with an empty text", "write the program first: "+example)
	}
	return args
}

// fetching reads how an account's recordings are read.
func (r *reader) fetching(a provider.Account) (f Fetch) {
	r.account, r.fetch = &a, &f
	r.read(a.Name, func(row row) bool { return row.fetching })
	key := func(k string) string { return "accounts." + a.Name + ".recording." + k }
	for _, k := range []string{"queue", "sweep"} {
		v, set := r.values[key(k)]
		switch {
		case !set || k == "sweep" && f.Sweep == 0:
		case r.driver.Objects == nil:
			r.fail(v.from, key(k), fmt.Sprintf("has no effect: recordings of %s are not found in buckets", a.Platform), "leave it out")
		case a.Recording.Bucket == "":
			r.fail(v.from, key(k), "needs a bucket", fmt.Sprintf("set bucket under [accounts.%s.recording]", a.Name))
		}
	}
	return f
}

// readKeySecret reads the second one of a pair.
func (r *reader) readKeySecret(key string) {
	f := r.fetch
	f.ReadKeySecret = r.secret(key)
	id := strings.TrimSuffix(key, "secret") + "id"
	switch {
	case f.ReadKeyID != "" && f.ReadKeySecret == "":
		r.fail(r.values[id].from, id, "needs read_access_key_secret beside it", "set both or neither")
	case f.ReadKeyID == "" && f.ReadKeySecret != "":
		r.fail(r.values[key].from, key, "needs read_access_key_id beside it", "set both or neither")
	}
}

// sweep reads how often an account's bucket is listed: by default only beside a queue.
func (r *reader) sweep(key string) {
	byDefault := "off"
	if r.fetch.Queue != "" {
		byDefault = "24h"
	}
	r.fetch.Sweep = r.span(key, byDefault, time.Minute, forever, "isn't a duration of at least a minute", `write it like "24h", or "off"`)
}

// limitRate reads bytes per second; nothing, "0" and "off" are no limit.
func (r *reader) limitRate(key string) {
	if v, set := r.values[key]; set {
		if n, ok := v.raw.(int64); ok {
			v.raw = strconv.FormatInt(n, 10)
			r.values[key] = v
		}
	}
	text := r.text(key, "off", func(s string) (string, string, string) {
		if _, ok := ParseRate(s); !ok {
			return "", fmt.Sprintf("can't be %q", s), `write bytes per second like "5M", or "off"`
		}
		return s, "", ""
	})
	r.cfg.Download.LimitRate, _ = ParseRate(text)
}

// ParseRate reads a bandwidth in bytes per second: "5M", "800KiB", "5M/s", a number; "off" and 0 are no limit. One that
// is too small to be meant is refused.
func ParseRate(s string) (int64, bool) {
	s = strings.TrimSpace(s)
	if s == "off" || s == "" {
		return 0, true
	}
	n, ok := ParseSize(strings.TrimSuffix(s, "/s"))
	return n, ok && (n == 0 || n >= 1<<10)
}

// endpointURL accepts an http(s) URL of a service, with nothing secret in it.
func endpointURL(s string) (string, string, string) {
	u, problem, fix := serviceURL(s, `write it like "https://s3.example.com"`)
	if problem != "" {
		return "", problem, fix
	}
	return u.String(), "", ""
}

// queueURL accepts the URL of an SQS queue, which ends in its account and name.
func queueURL(s string) (string, string, string) {
	const like = `write it like "https://sqs.us-west-2.amazonaws.com/123456789012/recordings"`
	u, problem, fix := serviceURL(s, like)
	switch {
	case problem != "":
		return "", problem, fix
	case strings.Trim(u.Path, "/") == "" || u.RawQuery != "" || u.Fragment != "":
		return "", "isn't the URL of a queue", like
	}
	return u.String(), "", ""
}

// serviceURL reads an http(s) URL with nothing secret in it, or says what is wrong and what to write; like is an example.
func serviceURL(s, like string) (u *url.URL, problem, fix string) {
	u, err := url.Parse(strings.TrimSpace(s))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, "isn't an http or https URL", like
	case u.User != nil:
		return nil, "has a password in it", like + " and put keys into access_key_id and access_key_secret"
	}
	return u, "", ""
}

func roleARN(s string) (string, string, string) {
	if !strings.HasPrefix(s, "arn:") {
		return "", "isn't a role's ARN", `write it like "arn:aws:iam::123456789012:role/recordings"`
	}
	return s, "", ""
}

// defaultFolder is where downloads go: a folder of their own among the user's downloads, or in the data folder where there
// is no home folder.
func defaultFolder(getenv func(string) string, dataDir string) string {
	if dir := folder(getenv, "XDG_DOWNLOAD_DIR", xdg.UserDirs.Download); dir != "" {
		return filepath.Join(dir, "greenroom")
	}
	return filepath.Join(dataDir, "downloads")
}
