package store

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"greenroom/internal/app"
	"greenroom/internal/filter"
	"greenroom/internal/latin"
	"greenroom/provider"
)

var (
	somePieces = rapid.SampledFrom([]string{
		"a", "b", "e", "Z", "o", " ", "-", "/", "\u0301", "\u0308", "ë", "Ø", "ß", "İ", "\u212a", "渡", "が", "か\u3099", "\xff", "1", "23", "\"", "\\", "<", "\u2028", "\n",
		"name", "Standup", "8f14e45f", "ſ", "🙂",
	})
	someKeys = []string{"name", "Ke\u212aey", "user-id", "a"}
)

func pieced(t *rapid.T, label string, most int) string {
	return strings.Join(rapid.SliceOfN(somePieces, 0, most).Draw(t, label), "")
}

// inJSON writes a text as JSON, with escapes that nothing requires.
func inJSON(t *rapid.T, s string) string {
	if rapid.Bool().Draw(t, "plain") {
		return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`, "\n", `\n`, "\xff", "?").Replace(s) + `"`
	}
	var b strings.Builder
	for _, r := range utf16.Encode([]rune(s)) {
		if r >= ' ' && r < 127 && r != '"' && r != '\\' && rapid.Bool().Draw(t, "as it is") {
			b.WriteByte(byte(r))
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return `"` + b.String() + `"`
}

// searched returns a delivery with texts of all kinds.
func searched(t *rapid.T, n int) app.Delivery {
	d := delivery(n)
	d.ProviderID = ""
	d.Account = rapid.SampledFrom([]string{"daily", "Daily", "José", "whereby"}).Draw(t, "account")
	d.Room, d.Participant, d.Session = pieced(t, "room", 5), pieced(t, "participant", 4), pieced(t, "session", 4)
	d.Type, d.Meeting, d.Target = pieced(t, "type", 2), pieced(t, "meeting", 3), "/hooks/"+pieced(t, "target", 4)
	d.Kind = rapid.SampledFrom(provider.EventKinds()).Draw(t, "kind")
	d.Headers = http.Header{http.CanonicalHeaderKey("x-" + rapid.SampledFrom([]string{"name", "kind", "number"}).Draw(t, "header")): {pieced(t, "value", 6), pieced(t, "other", 3)}}
	switch key := rapid.SampledFrom(someKeys).Draw(t, "key"); rapid.IntRange(0, 2).Draw(t, "body") {
	case 0:
		d.Body = app.Body(pieced(t, "raw", 12))
	case 1:
		d.Body = app.Body(fmt.Sprintf(`{%s:%s,"list":[%d,%s]}`, inJSON(t, key), inJSON(t, pieced(t, "text", 8)), n, inJSON(t, pieced(t, "element", 4))))
	case 2:
		d.Body = app.Body(fmt.Sprintf(`{"payload":{%s:%s,"n":%d}}`, inJSON(t, key), inJSON(t, pieced(t, "text", 8)), n))
	}
	return d
}

// asked returns a filter, most often one that an event has a match for.
func asked(t *rapid.T, all []app.Delivery) string {
	d := rapid.SampledFrom(all).Draw(t, "event")
	part := func(texts ...string) string {
		s := rapid.SampledFrom(texts).Draw(t, "in")
		from := rapid.IntRange(0, len(s)).Draw(t, "from")
		s = strings.ToValidUTF8(s[from:min(len(s), from+rapid.IntRange(1, 12).Draw(t, "length"))], "")
		if rapid.Bool().Draw(t, "capital") {
			s = strings.ToUpper(s)
		}
		return strings.Map(func(r rune) rune {
			if r == '"' || r == '\\' || r < ' ' || r == '*' || r == ',' {
				return -1
			}
			return r
		}, s)
	}
	var values []string
	var name string
	for name = range d.Headers {
		values = append(values, d.Headers[name]...)
	}
	body := append(values, d.Room, d.Participant, d.Target, string(d.Body), unescaped(d.Body))
	term := func() string {
		switch rapid.IntRange(0, 8).Draw(t, "form") {
		case 0:
			return "header." + name + `:*` + strings.Join(strings.Fields(part(values...)), "*") + "*"
		case 1:
			return "body." + rapid.SampledFrom([]string{"name", "payload.name", "payload.user-id", "a", "payload.n", "list", "list.1", "nowhere"}).Draw(t, "path") + ":*" + strings.Join(strings.Fields(part(unescaped(d.Body))), "*") + "*"
		case 2:
			return "/" + strings.ReplaceAll(regexp.QuoteMeta(part(body...)), "/", `\/`) + "/"
		case 3:
			return "room:*" + strings.Join(strings.Fields(part(d.Room)), "*") + "*"
		case 4:
			return "participant:*" + strings.Join(strings.Fields(part(d.Participant, d.Session)), "*") + "*"
		case 5:
			return rapid.SampledFrom([]string{"account:daily", "account:DAILY", "account:jose", "account:/Jos[eé]/", "account:d*,whereby"}).Draw(t, "account")
		case 6:
			return `"nowhere` + part(body...) + `"`
		}
		return `"` + part(body...) + `"`
	}
	text := term()
	for range rapid.IntRange(0, 2).Draw(t, "terms") {
		text += rapid.SampledFrom([]string{" ", " or ", " -"}).Draw(t, "joint") + term()
	}
	if rapid.IntRange(0, 3).Draw(t, "negated") == 0 {
		text = "-(" + text + ")"
	}
	return text
}

// grepped returns a part of an event as it is stored, in any case, or nothing.
func grepped(t *rapid.T, all []app.Delivery) string {
	if rapid.Bool().Draw(t, "no grep") {
		return ""
	}
	d := rapid.SampledFrom(all).Draw(t, "grepped event")
	row, err := encodeRow(d)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := encodeBlob(d)
	if err != nil {
		t.Fatal(err)
	}
	s := rapid.SampledFrom([][]byte{row, blob}).Draw(t, "grepped in")
	from := rapid.IntRange(0, len(s)-1).Draw(t, "grepped from")
	s = s[from:min(len(s), from+rapid.IntRange(1, 15).Draw(t, "grepped length"))]
	if rapid.Bool().Draw(t, "grepped capital") {
		s = bytes.ToUpper(s)
	}
	return string(s)
}

// What is grepped for is found as in the whole text in lower case.
func TestGrepComparesInLowerCase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(pieced(t, "text", 12))
		from := rapid.IntRange(0, len(text)).Draw(t, "from")
		grep := string(text[from:min(len(text), from+rapid.IntRange(1, 9).Draw(t, "length"))])
		switch rapid.IntRange(0, 3).Draw(t, "form") {
		case 0:
			grep = strings.ToUpper(grep)
		case 1:
			grep = strings.ToLower(grep)
		case 2:
			grep = pieced(t, "grep", 2)
		}
		if grep == "" {
			return
		}
		w := wanted(app.EventQuery{Grep: grep})
		if got, want := w.inBytes(text), bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(grep))); got != want {
			t.Fatalf("%q in %q: %t", grep, text, got)
		}
	})
}

// Letters become letters of ASCII in the same way where bytes are compared in lower case and where they are folded.
func TestLowerCaseAndFoldingAgreeOnASCII(t *testing.T) {
	for r := rune(utf8.RuneSelf); r <= unicode.MaxRune; r++ {
		if small := unicode.ToLower(r); small < utf8.RuneSelf && latin.Fold(string(r)) != string(small) {
			t.Errorf("%q is %q in lower case, and folded %q", r, small, latin.Fold(string(r)))
		}
	}
}

// A search finds with the index what it finds without, whatever is damaged in it.
func TestTheIndexHidesNothing(t *testing.T) {
	if os.Getenv("GREENROOM_SOAK") == "" {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		s, err := Open(Options{Path: filepath.Join(t.TempDir(), FileName), SegmentRows: 180, indexAfter: time.Hour})
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		s.db.NoSync = true
		few := make([]app.Delivery, 12)
		for i := range few {
			few[i] = searched(r, i)
		}
		var batch []Entry
		for i := range 400 {
			d := few[0]
			if i%90 == 0 {
				d = few[1+i/90]
			} else if i%97 == 0 {
				d = few[6+i/97]
			}
			d.Seq, d.ProviderID = 0, fmt.Sprint(i)
			batch = append(batch, Entry{Delivery: d})
		}
		if _, err := s.AppendBatch(t.Context(), batch); err != nil {
			r.Fatal(err)
		}
		indexAll(t, s)
		if n := len(shapes(t, s)); n != 2 {
			r.Fatalf("%d segments have an index", n)
		}
		all := make(map[uint64]app.Delivery, len(batch)) // as they are stored
		if err := s.View(t.Context(), func(tx *Tx) error {
			for seq := range uint64(len(batch)) {
				d, err := tx.Delivery(seq + 1)
				if err != nil {
					return err
				}
				all[d.Seq] = d
			}
			return nil
		}); err != nil {
			r.Fatal(err)
		}
		// model returns what a filter selects of the whole events.
		model := func(f *filter.Filter) (seqs []uint64) {
			for seq, d := range all {
				if f.MatchDelivery(&d) {
					seqs = append(seqs, seq)
				}
			}
			slices.Sort(seqs)
			return seqs
		}
		check := func(what string) {
			for range 12 {
				text := asked(r, few)
				f, err := filter.Parse(text, filter.Options{})
				if err != nil {
					continue // a regular expression that can't be read, or an empty value
				}
				q := app.EventQuery{Filter: f.String(), Limit: 1000, Forward: rapid.Bool().Draw(r, "forward")}
				if q.Grep = grepped(r, few); q.Grep != "" && rapid.Bool().Draw(r, "grep only") {
					q.Filter = ""
				}
				s.opt.unindexed = true
				want, got := selected(t, s, q), []uint64(nil)
				s.opt.unindexed = false
				if q.Grep == "" && !slices.Equal(slices.Sorted(slices.Values(want)), model(f)) {
					r.Fatalf("%q finds %v, and not %v", q.Filter, want, model(f))
				}
				if got = selected(t, s, q); !slices.Equal(got, want) {
					r.Fatalf("%s: %q and %q find %v with the index, %v without", what, q.Filter, q.Grep, got, want)
				}
			}
		}
		check("whole")
		inSegments(t, s, func(seg *bolt.Bucket) error {
			texts := seg.Bucket(keyTexts)
			if texts == nil {
				return nil
			}
			return texts.ForEach(func(k, v []byte) error {
				v = slices.Clone(v)
				switch rapid.IntRange(0, 3).Draw(r, "damage") {
				case 0:
					clear(v[4:]) // all bits that a disk can lose
				case 1:
					v = v[:rapid.IntRange(0, len(v)).Draw(r, "cut")]
				case 2:
					return texts.Delete(k)
				}
				return texts.Put(k, v)
			})
		})
		check("damaged")
	})
}
