package bucket

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ErrUnreadable means that a message isn't one of S3's about objects.
var ErrUnreadable = errors.New("not a message about a bucket's objects")

// Notice is the content of a message.
type Notice struct {
	// Created are objects that were created or replaced.
	Created []Object
	// Others are the buckets of other events: an object was deleted, restored or tagged, a folder was created, a test.
	Others []string
}

// wrappings limits the envelopes around an event: EventBridge's in SNS's in SNS's.
const wrappings = 4

// message has the fields of all kinds of message: S3's event, S3's test, SNS's envelope, EventBridge's event.
type message struct {
	Records []record `json:"Records"`

	Event  string `json:"Event"`
	Bucket string `json:"Bucket"`

	Type    string  `json:"Type"`
	Message *string `json:"Message"`

	DetailType string  `json:"detail-type"`
	Source     string  `json:"source"`
	Time       string  `json:"time"`
	Detail     *detail `json:"detail"`
}

// record is S3's event.
type record struct {
	Name string `json:"eventName"`
	Time string `json:"eventTime"`
	S3   detail `json:"s3"`
}

// detail names the object of an event. EventBridge doesn't encode its key; S3 does.
type detail struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key       string `json:"key"`
		Size      int64  `json:"size"`
		ETag      string `json:"eTag"` // EventBridge's is etag, which matches too
		Version   string `json:"versionId"`
		VersionEB string `json:"version-id"` // EventBridge's
		Sequencer string `json:"sequencer"`
	} `json:"object"`
}

// object returns the object with its decoded key.
func (d detail) object(key, at string) Object {
	o := d.Object
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		t = time.Time{}
	}
	return Object{
		Bucket: d.Bucket.Name, Key: key, Size: max(o.Size, 0), ETag: strings.Trim(o.ETag, `"`), Version: cmp.Or(o.Version, o.VersionEB),
		Sequencer: o.Sequencer, At: t.UTC(),
	}
}

// Parse parses the body of a queue's message: an event of S3, bare or within SNS's envelope, or one of EventBridge. The error is
// [ErrUnreadable].
//
// Shapes: docs.aws.amazon.com, "Event message structure" (S3), "Amazon SNS message and JSON formats", "Amazon S3 events"
// (EventBridge).
func Parse(body string) (Notice, error) {
	for range wrappings {
		var m message
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			return Notice{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
		}
		switch {
		case len(m.Records) > 0:
			return fromRecords(m.Records)
		case m.Event == "s3:TestEvent" && m.Bucket != "":
			return Notice{Others: []string{m.Bucket}}, nil
		case m.Detail != nil && m.Source == "aws.s3":
			var n Notice
			err := n.add(m.DetailType == "Object Created", m.Detail.object(m.Detail.Object.Key, m.Time))
			return n, err
		case m.Type == "Notification" && m.Message != nil:
			body = *m.Message
		case m.Type == "SubscriptionConfirmation":
			return Notice{}, fmt.Errorf("%w: an SNS subscription waiting to be confirmed", ErrUnreadable)
		default:
			return Notice{}, fmt.Errorf("%w: it has no records", ErrUnreadable)
		}
	}
	return Notice{}, fmt.Errorf("%w: too many envelopes", ErrUnreadable)
}

func fromRecords(records []record) (Notice, error) {
	var n Notice
	for _, r := range records {
		key, err := decoded(r.S3.Object.Key)
		if err != nil {
			return Notice{}, fmt.Errorf("%w: the key %.200q: %w", ErrUnreadable, r.S3.Object.Key, err)
		}
		err = n.add(strings.HasPrefix(strings.TrimPrefix(r.Name, "s3:"), "ObjectCreated:"), r.S3.object(key, r.Time))
		if err != nil {
			return Notice{}, err
		}
	}
	return n, nil
}

// decoded decodes a key of an event of S3, which is form-encoded. Other servers, such as versitygw, don't encode keys: a key with a
// character that isn't valid in forms is returned unchanged.
func decoded(key string) (string, error) {
	for _, c := range []byte(key) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"#&,:;<=>?@[\]^{|}`+"`", c) >= 0 {
			return key, nil
		}
	}
	return url.QueryUnescape(key)
}

// add adds an event. Keys that end in a slash are folders that the user created by hand.
func (n *Notice) add(created bool, o Object) error {
	switch {
	case o.Bucket == "":
		return fmt.Errorf("%w: an event names no bucket", ErrUnreadable)
	case !created || strings.HasSuffix(o.Key, "/"):
		n.Others = append(n.Others, o.Bucket)
		return nil
	case o.Key == "":
		return fmt.Errorf("%w: an event names no object", ErrUnreadable)
	}
	n.Created = append(n.Created, o)
	return nil
}
