package config

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"greenroom/provider"
)

// Download holds the settings for downloading recordings.
type Download struct {
	// Folder is absolute.
	Folder string
	// Template names the files in it. Load does not check it.
	Template string
	// TimeZone is an IANA name, empty for this machine's.
	TimeZone string
	// LimitRate is in bytes per second, 0 for no limit.
	LimitRate int64
	// Files is the number of files downloaded at once, Workers the number of connections for one file.
	Files   int
	Workers int
	// FileMode is the mode of the files. With Umask the user's umask applies to it, as in other programs.
	FileMode fs.FileMode
	Umask    bool
	// OnDownload is a program with its arguments that is run on each downloaded recording, OnFailure one that is run when a
	// download or OnDownload has failed permanently; empty for none. At most Parallel of them run at once, each for at most
	// Timeout; 0 is no limit.
	OnDownload []string
	OnFailure  []string
	Parallel   int
	Timeout    time.Duration
}

// Fetch holds the settings for reading an account's recordings.
type Fetch struct {
	// AutoDownload downloads new recordings automatically, DeleteAfter deletes downloaded ones from the platform.
	AutoDownload, DeleteAfter bool
	// Endpoint is the URL of an S3 service other than Amazon's; PathStyle puts the bucket into the path. ReadRole is the ARN
	// of a role that is assumed for reading.
	Endpoint  string
	PathStyle bool
	ReadRole  string
	// ReadKeyID and ReadKeySecret are for reading only, instead of the keys that the platform writes with; both or none.
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
	mode := r.text(key, "0600", fileMode)
	if d.Umask = mode == "umask"; d.Umask {
		mode = "0666"
	}
	n, _ := strconv.ParseUint(mode, 8, 32) // fileMode has checked it
	d.FileMode = fs.FileMode(n)
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

// fetching reads the settings for an account's recordings.
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

// readKeySecret reads the second key of a pair.
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

// limitRate reads bytes per second; "", "0" and "off" are no limit.
func (r *reader) limitRate(key string) {
	if n, ok := r.values[key].raw.(int64); ok {
		r.values[key] = value{strconv.FormatInt(n, 10), r.values[key].from}
	}
	text := r.text(key, "off", func(s string) (string, string, string) {
		if _, ok := ParseRate(s); !ok {
			return "", fmt.Sprintf("can't be %q", s), `write bytes per second like "5M", or "off"`
		}
		return s, "", ""
	})
	r.cfg.Download.LimitRate, _ = ParseRate(text)
}

// ParseRate reads a bandwidth in bytes per second: "5M", "800KiB", "5M/s", a number; "off" and 0 are no limit. Rates below 1 KiB/s are
// refused as mistakes.
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
	u, problem, fix := httpURL(s, `write it like "https://s3.example.com"`, keysApart)
	if problem != "" {
		return "", problem, fix
	}
	return u.String(), "", ""
}

// keysApart ends the fix for a service's URL with a password.
const keysApart = " and put keys into access_key_id and access_key_secret"

// queueURL accepts the URL of an SQS queue, which ends in its account and name.
func queueURL(s string) (string, string, string) {
	const like = `write it like "https://sqs.us-west-2.amazonaws.com/123456789012/recordings"`
	u, problem, fix := httpURL(s, like, keysApart)
	switch {
	case problem != "":
		return "", problem, fix
	case strings.Trim(u.Path, "/") == "" || u.RawQuery != "" || u.Fragment != "":
		return "", "isn't the URL of a queue", like
	}
	return u.String(), "", ""
}

func roleARN(s string) (string, string, string) {
	if !strings.HasPrefix(s, "arn:") {
		return "", "isn't a role's ARN", `write it like "arn:aws:iam::123456789012:role/recordings"`
	}
	return s, "", ""
}

// defaultFolder returns the folder for downloads: greenroom in the user's downloads, or downloads in the data folder if there is no
// home folder.
func defaultFolder(getenv func(string) string, dataDir string) string {
	if dir := folder(getenv, "XDG_DOWNLOAD_DIR", xdg.UserDirs.Download); dir != "" {
		return filepath.Join(dir, "greenroom")
	}
	return filepath.Join(dataDir, "downloads")
}
