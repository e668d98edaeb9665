package sqs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
)

func TestQueuesAreNamedInSeveralWays(t *testing.T) {
	for _, test := range []struct {
		q    Queue
		want place
		says string
	}{
		{q: Queue{Queue: "https://sqs.eu-west-1.amazonaws.com/123456789012/gr.fifo"}, want: place{url: "https://sqs.eu-west-1.amazonaws.com/123456789012/gr.fifo", name: "gr.fifo", region: "eu-west-1"}},
		{q: Queue{Queue: "sqs://sqs.eu-west-1.amazonaws.com/123456789012/gr.fifo", Region: "us-east-1"}, want: place{url: "https://sqs.eu-west-1.amazonaws.com/123456789012/gr.fifo", name: "gr.fifo", region: "us-east-1"}},
		{q: Queue{Queue: "https://sqs.cn-north-1.amazonaws.com.cn/1/gr.fifo"}, want: place{url: "https://sqs.cn-north-1.amazonaws.com.cn/1/gr.fifo", name: "gr.fifo", region: "cn-north-1"}},
		{q: Queue{Queue: "https://eu-west-1.queue.amazonaws.com/1/gr.fifo"}, want: place{url: "https://eu-west-1.queue.amazonaws.com/1/gr.fifo", name: "gr.fifo", region: "eu-west-1"}},
		{q: Queue{Queue: "https://vpce-1a2b.sqs.us-east-1.vpce.amazonaws.com/1/gr.fifo"}, want: place{url: "https://vpce-1a2b.sqs.us-east-1.vpce.amazonaws.com/1/gr.fifo", name: "gr.fifo", region: "us-east-1", endpoint: "https://vpce-1a2b.sqs.us-east-1.vpce.amazonaws.com"}},
		{q: Queue{Queue: "sqs://arn:aws:sqs:eu-west-1:123456789012:gr.fifo"}, want: place{name: "gr.fifo", account: "123456789012", region: "eu-west-1"}},
		{q: Queue{Queue: "arn:aws-cn:sqs:cn-north-1:1:gr.fifo", Endpoint: "http://127.0.0.1:4566/"}, want: place{name: "gr.fifo", account: "1", region: "cn-north-1", endpoint: "http://127.0.0.1:4566"}},
		{q: Queue{Queue: "http://127.0.0.1:4566/000000000000/gr.fifo", Region: "eu-west-1"}, want: place{url: "http://127.0.0.1:4566/000000000000/gr.fifo", name: "gr.fifo", region: "eu-west-1", endpoint: "http://127.0.0.1:4566"}},
		{q: Queue{Queue: "https://sqs.eu-west-1.amazonaws.com/1/gr"}, says: "not a FIFO queue"},
		{q: Queue{Queue: "arn:aws:sns:eu-west-1:1:gr.fifo"}, says: "arn:aws:sqs:REGION"},
		{q: Queue{Queue: "sqs://"}, says: "neither a URL nor an ARN"},
		{q: Queue{Queue: "https://u:p@sqs.eu-west-1.amazonaws.com/1/gr.fifo"}, says: "neither a URL nor an ARN"},
		{q: Queue{Queue: "https://a.example/1/gr.fifo", Endpoint: "nowhere"}, says: "endpoint nowhere is not a URL"},
	} {
		got, err := test.q.parse()
		if test.says != "" {
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%+v: %v", test.q, err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%+v: %+v, %v", test.q, got, err)
		}
	}
}

func TestReasonsSayWhatToDo(t *testing.T) {
	p := place{name: "gr.fifo", region: "eu-west-1"}
	for _, test := range []struct {
		err  error
		says string
	}{
		{&smithy.GenericAPIError{Code: "AWS.SimpleQueueService.NonExistentQueue"}, "there is no queue gr.fifo at SQS in eu-west-1"},
		{&smithy.GenericAPIError{Code: "QueueDoesNotExist"}, "create it"},
		{&smithy.GenericAPIError{Code: "AccessDenied"}, "sqs:DeleteMessage"},
		{&smithy.GenericAPIError{Code: "ExpiredToken"}, "log in again"},
		{&smithy.GenericAPIError{Code: "InvalidClientTokenId"}, "check the access key"},
		{&smithy.GenericAPIError{Code: "Odd", Message: "very\x1b"}, "Odd: very␛"},
		{context.DeadlineExceeded, "doesn't respond"},
		{errNotFIFO, "is not a FIFO queue"},
		{errors.New("dial tcp: no route"), "SQS in eu-west-1 can't be reached: dial tcp: no route"},
	} {
		if got := reason(p, test.err); !strings.Contains(got, test.says) {
			t.Errorf("%v: %q", test.err, got)
		}
	}
}
