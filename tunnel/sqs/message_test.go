package sqs

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"greenroom/tunnel"
)

func sample(body []byte) tunnel.Envelope {
	return tunnel.Envelope{
		ID: "01JX", ReceivedAt: time.UnixMicro(1_790_000_000_123_456), Method: "POST", Target: "/hooks/daily?x=%00&y=\xff",
		Remote: "192.0.2.7", Body: body,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Signature": {"b", "a"}, "x-raw": {"\xff\xfe"}, "Host": {"gr.example"}},
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	for _, test := range []struct {
		name string
		body []byte
		most int
	}{
		{"empty", nil, 400},
		{"small", []byte("{}"), 400},
		{"JSON", bytes.Repeat([]byte(`{"type":"participant.joined","payload":{"id":"x"}}`), 20_000), 10_000},
		{"noise", noise(100_000), 134_000},
		{"not text", []byte("\x00\xff\r\n"), 400},
	} {
		e := sample(test.body)
		text, err := encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > test.most {
			t.Errorf("%s: %d bytes", test.name, len(text))
		}
		got, err := decode(text)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if !bytes.Equal(got.Body, e.Body) {
			t.Errorf("%s: another body", test.name)
		}
		got.Body, e.Body = nil, nil
		if !reflect.DeepEqual(got, e) {
			t.Errorf("%s: %+v, want %+v", test.name, got, e)
		}
	}
}

func TestOtherMessagesAreNotRead(t *testing.T) {
	good, err := encode(sample(bytes.Repeat([]byte("x"), 5000)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(good, prefix))
	if err != nil {
		t.Fatal(err)
	}
	rewritten := func(change func(b []byte) []byte) string {
		return prefix + base64.RawStdEncoding.EncodeToString(change(bytes.Clone(raw)))
	}
	for name, text := range map[string]string{
		"empty":     "",
		"another":   `{"Records":[]}`,
		"newer":     "gr2." + strings.TrimPrefix(good, prefix),
		"no base64": prefix + "!",
		"nothing":   prefix,
		"cut":       good[:len(good)-40],
		"long metadata": rewritten(func(b []byte) []byte {
			return append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, b...)
		}),
		"another way": rewritten(func(b []byte) []byte {
			n, size := binary.Uvarint(b)
			b[size+int(n)] = 9
			return b
		}),
	} {
		if _, err := decode(text); !errors.Is(err, errUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A request whose body can't be had is one all the same.
func TestABodyThatIsMissing(t *testing.T) {
	whole := bytes.Repeat([]byte("x"), 5000)
	good, err := encode(sample(whole))
	if err != nil {
		t.Fatal(err)
	}
	// More than is taken: the metadata say so, and nothing is inflated.
	huge, err := encode(sample(make([]byte, maxBody+1)))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(good, prefix))
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-3] ^= 1
	for says, text := range map[string]string{
		"damaged":  good[:len(good)-4],
		"damaged ": prefix + base64.RawStdEncoding.EncodeToString(raw),
		"bytes":    huge,
	} {
		e, err := decode(text)
		if err != nil || e.Body != nil || !strings.Contains(e.Missing, strings.TrimSpace(says)) || e.Target != sample(nil).Target {
			t.Errorf("%s: %+v, %v", says, e, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range [][]byte{nil, []byte("{}"), bytes.Repeat([]byte("ab"), 2000)} {
		text, err := encode(sample(body))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := decode(text)
		if err != nil {
			if !errors.Is(err, errUnreadable) {
				t.Fatalf("%v", err)
			}
			return
		}
		if e.Missing != "" {
			return
		}
		again, err := encode(e)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decode(again)
		if err != nil || !reflect.DeepEqual(same, e) {
			t.Fatalf("%+v, then %+v, %v", e, same, err)
		}
	})
}

func TestPositions(t *testing.T) {
	for _, test := range []struct {
		in         string
		epoch, seq uint64
		ok         bool
	}{
		{"1", 0, 1, true},
		{"00000000000000000042", 0, 42, true},
		{"18446744073709551615", 0, 1<<64 - 1, true},
		{"18446744073709551616", 1, 0, true},
		{"18849496460467696128", 1, 18849496460467696128 - 1<<64, true},
		{"340282366920938463463374607431768211455", 1<<64 - 1, 1<<64 - 1, true},
		{"340282366920938463463374607431768211456", 0, 0, false},
		{"0", 0, 0, false}, {"-1", 0, 0, false}, {"", 0, 0, false}, {"1x", 0, 0, false},
	} {
		epoch, seq, err := position(test.in)
		if (err == nil) != test.ok || epoch != test.epoch || seq != test.seq {
			t.Errorf("%q: %d, %d, %v", test.in, epoch, seq, err)
		}
	}
}

func TestGroupsAreWhatSQSTakes(t *testing.T) {
	for in, want := range map[string]string{"daily": "daily", "a:b/c.d-e_f": "a:b/c.d-e_f", "two words": "", "ü": "", "": "", strings.Repeat("x", 129): ""} {
		got := group(in)
		if want == "" && (!strings.HasPrefix(got, "sha256:") || len(got) > groupSize) || want != "" && got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if group("two words") == group("three words") {
		t.Error("different names make one group")
	}
}
