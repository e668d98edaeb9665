package bucket

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// read is a message as the services document it.
func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sns is a body in the envelope of SNS.
func sns(t testing.TB, body string) string {
	t.Helper()
	b, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": "arn:aws:sns:us-west-2:123456789012:t",
		"Subject": "Amazon S3 Notification", "Message": body, "Timestamp": "2025-06-15T12:10:21.000Z", "SignatureVersion": "1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func event(name, bucket, key string) string {
	b, err := json.Marshal(map[string]any{"eventName": name, "s3": map[string]any{
		"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": key, "size": 7},
	}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func records(events ...string) string { return `{"Records":[` + strings.Join(events, ",") + `]}` }

func TestParse(t *testing.T) {
	at := time.Date(2025, 6, 15, 12, 10, 20, 0, time.UTC)
	bare := Object{
		Bucket: "recordings", Key: "sub/Zoë & co-2025-06-15T12:00:00Z.mp4", Size: 1024, ETag: "d41d8cd98f00b204e9800998ecf8427e-2",
		Version: "096fKKXTRTtl3on89fVO.nfljtsv6qko", Sequencer: "0055AED6DCD90281E5", At: at.Add(123 * time.Millisecond),
	}
	bridge := Object{
		Bucket: "recordings", Key: "100%25+1-2025-06-15T12:00:00Z.mp4", Size: 5, ETag: "b1946ac92492d2347c6235b4d2611184",
		Version: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", Sequencer: "617f08299329d189", At: at,
	}
	created := func(objects ...Object) Notice { return Notice{Created: objects} }
	others := func(buckets ...string) Notice { return Notice{Others: buckets} }
	tests := []struct {
		what, body string
		want       Notice
		wrong      string
	}{
		{"S3", read(t, "s3.json"), created(bare), ""},
		{"SNS", sns(t, read(t, "s3.json")), created(bare), ""},
		{"EventBridge, whose keys are not encoded", read(t, "eventbridge.json"), created(bridge), ""},
		{"EventBridge in SNS", sns(t, read(t, "eventbridge.json")), created(bridge), ""},
		{"test", read(t, "test.json"), others("recordings"), ""},
		{"test in SNS", sns(t, read(t, "test.json")), others("recordings"), ""},
		{"many", records(event("ObjectCreated:Put", "a", "x+y"), event("ObjectRemoved:Delete", "b", "z"), event("s3:ObjectCreated:Copy", "c", "%2B"), event("ObjectCreated:Put", "d", "folder/")),
			Notice{Created: []Object{{Bucket: "a", Key: "x y", Size: 7}, {Bucket: "c", Key: "+", Size: 7}}, Others: []string{"b", "d"}}, ""},
		{"keys as they are", records(event("ObjectCreated:Put", "a", "x+y z%"), event("ObjectCreated:Put", "a", "é+%41"), event("ObjectCreated:Put", "a", "r-2025-06-15T12:00:00Z.mp4")),
			created(Object{Bucket: "a", Key: "x+y z%", Size: 7}, Object{Bucket: "a", Key: "é+%41", Size: 7}, Object{Bucket: "a", Key: "r-2025-06-15T12:00:00Z.mp4", Size: 7}), ""},
		{"deleted, by EventBridge", strings.Replace(read(t, "eventbridge.json"), "Object Created", "Object Deleted", 1), others("recordings"), ""},

		{"nothing", "", Notice{}, "unexpected end"},
		{"words", "hello", Notice{}, "invalid character"},
		{"a list", "[]", Notice{}, "cannot unmarshal"},
		{"something else", `{"a":1}`, Notice{}, "no records"},
		{"no records", `{"Records":[]}`, Notice{}, "no records"},
		{"records of another service", `{"Records":[{"eventSource":"aws:ses"}]}`, Notice{}, "names no bucket"},
		{"another event", strings.Replace(read(t, "eventbridge.json"), "aws.s3", "aws.ec2", 1), Notice{}, "no records"},
		{"no key", records(event("ObjectCreated:Put", "a", "")), Notice{}, "names no object"},
		{"no bucket", records(event("ObjectCreated:Put", "", "x")), Notice{}, "names no bucket"},
		{"a key that is no form's", records(event("ObjectCreated:Put", "a", "100%")), Notice{}, "invalid URL escape"},
		{"one good, one bad", records(event("ObjectCreated:Put", "a", "x"), event("ObjectCreated:Put", "a", "%zz")), Notice{}, "invalid URL escape"},
		{"subscription", `{"Type":"SubscriptionConfirmation","Message":"You have chosen"}`, Notice{}, "waiting to be confirmed"},
		{"envelopes without end", sns(t, sns(t, sns(t, sns(t, read(t, "s3.json"))))), Notice{}, "too many envelopes"},
	}
	for _, tt := range tests {
		got, err := Parse(tt.body)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.what, diff)
		}
		if (err != nil) != (tt.wrong != "") || err != nil && (!errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), tt.wrong)) {
			t.Errorf("%s: %v, not %q", tt.what, err, tt.wrong)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"s3.json", "test.json", "eventbridge.json"} {
		f.Add(read(f, name))
		f.Add(sns(f, read(f, name)))
	}
	f.Add(records(event("ObjectCreated:Put", "a", "x+y"), event("ObjectRemoved:Delete", "b", "z")))
	f.Fuzz(func(t *testing.T, body string) {
		n, err := Parse(body)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) || len(n.Created)+len(n.Others) > 0 {
				t.Errorf("%+v, %v", n, err)
			}
			return
		}
		if len(n.Created)+len(n.Others) == 0 {
			t.Error("a message without content would be deleted")
		}
		for _, o := range n.Created {
			if o.Bucket == "" || o.Key == "" || o.Size < 0 {
				t.Errorf("%+v", o)
			}
		}
		for _, b := range n.Others {
			if b == "" {
				t.Error("a bucket without a name")
			}
		}
	})
}
