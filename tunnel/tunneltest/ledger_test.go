package tunneltest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// complaints is a test that may fail.
type complaints struct {
	testing.TB
	all []string
}

func (c *complaints) Helper()                      {}
func (c *complaints) Errorf(f string, args ...any) { c.all = append(c.all, fmt.Sprintf(f, args...)) }

func TestTheLedgerSeesWhatIsWrong(t *testing.T) {
	var came []Kept
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if len(body) == 3 {
			w.WriteHeader(503)
			return
		}
		came = append(came, Kept{ID: r.Header.Get(IDHeader), Hook: "h", Body: body, Epoch: 1, Seq: uint64(len(came) + 1)})
	}))
	defer server.Close()
	l := NewLedger()
	one, two := l.Sender(1, "h", server.URL), l.Sender(2, "h", server.URL)
	defer one.Close()
	defer two.Close()
	for n := range 4 {
		one.Post(Random(100 + n))
		two.Post(Random(200 + n))
	}
	one.Post(Random(3))
	l.Sender(3, "h", "http://127.0.0.1:1").Post(nil)
	if a, d, r := l.Counts(); a != 8 || d != 1 || r != 1 {
		t.Fatalf("%d accepted, %d doubtful, %d refused", a, d, r)
	}
	for _, test := range []struct {
		name   string
		change func([]Kept) []Kept
		want   string
	}{
		{"all is well", func(k []Kept) []Kept { return k }, ""},
		{"one is lost", func(k []Kept) []Kept { return slices.Delete(k, 3, 4) }, "1 are lost; 0 are doubled"},
		{"one is doubled", func(k []Kept) []Kept { return append(k, k[7]) }, "0 are lost; 1 are doubled"},
		{"one was never sent", func(k []Kept) []Kept { return append(k, Kept{ID: "9-9"}) }, "never sent"},
		{"a byte is another", func(k []Kept) []Kept { k[2].Body = slices.Clone(k[2].Body); k[2].Body[50]++; return k }, "as another"},
		{"a hook is another", func(k []Kept) []Kept { k[2].Hook = "g"; return k }, "as another"},
		{"a sender's order", func(k []Kept) []Kept {
			k[0], k[2] = k[2], k[0]
			k[0].Seq, k[2].Seq = 1, 3
			return k
		}, "behind 2 of the same sender"},
		{"the hook's order", func(k []Kept) []Kept { k[4], k[5] = k[5], k[4]; return k }, "is stored behind 1/6"},
	} {
		c := &complaints{TB: t}
		l.Check(c, func(visit func(Kept)) {
			for _, k := range test.change(slices.Clone(came)) {
				visit(k)
			}
		})
		if got := strings.Join(c.all, "; "); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}
