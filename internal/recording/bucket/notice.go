package bucket

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// ErrUnreadable means that a message is nothing that S3 sends about objects.
var ErrUnreadable = errors.New("not a message about a bucket's objects")

// Notice is the content of a message.
type Notice struct {
	// Created are objects that were made or replaced.
	Created []Object
	// Others are the buckets of events that tell something else: an object was deleted, restored, tagged; a folder was made;
	// a test.
	Others []string
}

// wrappings is how many envelopes may be around an event: EventBridge's in SNS's in SNS's.
const wrappings = 4

// message is every shape that a message has, in one: S3's own event, S3's test, SNS's envelope, EventBridge's event.
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

// record is S3's own event.
type record struct {
	Name string `json:"eventName"`
	Time string `json:"eventTime"`
	S3   struct {
		Bucket bucketName `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      int64  `json:"size"`
			ETag      string `json:"eTag"`
			Version   string `json:"versionId"`
			Sequencer string `json:"sequencer"`
		} `json:"object"`
	} `json:"s3"`
}

// detail is EventBridge's. Its key is not encoded.
type detail struct {
	Bucket bucketName `json:"bucket"`
	Object struct {
		Key       string `json:"key"`
		Size      int64  `json:"size"`
		ETag      string `json:"etag"`
		Version   string `json:"version-id"`
		Sequencer string `json:"sequencer"`
	} `json:"object"`
}

type bucketName struct {
	Name string `json:"name"`
}

// Parse reads the body of a queue's message: an event of S3, bare or within SNS's envelope, or one that comes by EventBridge.
// It fails with [ErrUnreadable].
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
			return fromDetail(m)
		case m.Type == "Notification" && m.Message != nil:
			body = *m.Message
		case m.Type == "SubscriptionConfirmation":
			return Notice{}, fmt.Errorf("%w: a subscription of SNS that waits to be confirmed", ErrUnreadable)
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
		o := r.S3.Object
		err = n.add(strings.HasPrefix(strings.TrimPrefix(r.Name, "s3:"), "ObjectCreated:"), Object{
			Bucket: r.S3.Bucket.Name, Key: key, Size: o.Size, ETag: o.ETag, Version: o.Version, Sequencer: o.Sequencer, At: instant(r.Time),
		})
		if err != nil {
			return Notice{}, err
		}
	}
	return n, nil
}

// decoded is the key of an event of S3, which is encoded like a form. Other implementations send keys as they are (versitygw
// is one); those that have a character that no form has are taken so.
func decoded(key string) (string, error) {
	for _, c := range []byte(key) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"#&,:;<=>?@[\]^{|}`+"`", c) >= 0 {
			return key, nil
		}
	}
	return url.QueryUnescape(key)
}

func fromDetail(m message) (Notice, error) {
	var n Notice
	o := m.Detail.Object
	err := n.add(m.DetailType == "Object Created", Object{
		Bucket: m.Detail.Bucket.Name, Key: o.Key, Size: o.Size, ETag: o.ETag, Version: o.Version, Sequencer: o.Sequencer, At: instant(m.Time),
	})
	return n, err
}

// add adds an event. Keys that end in a slash are folders that the user made by hand.
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
	o.ETag, o.Size = strings.Trim(o.ETag, `"`), max(o.Size, 0)
	n.Created = append(n.Created, o)
	return nil
}

// instant reads a time, zero when it is none.
func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
