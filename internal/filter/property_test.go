package filter

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/internal/app"
	_ "greenroom/internal/cases"
	"greenroom/provider"
)

// model is a filter as its text and as a function that shares no code with the product.
type model struct {
	text string
	hold func(*app.Delivery) bool
}

var (
	someAccounts = []string{"daily", "Whereby", "catch:ci"}
	someRooms    = []string{"", "Standup", "Weekly Review", "ö-team", "O-team"}
	somePeople   = []string{"", "Zoë", "zoe", "Bo", "Linus"}
	someBodies   = []string{`{"a":{"b":1}}`, `{"a":{"b":"Zoë"}}`, `{"a":7}`, "no json Bo", "", "\xff\xfe standup", `{"x":"STANDUP"}`}
)

// bare is a text in lower case without the accents that occur here.
func bare(s string) string {
	return strings.NewReplacer("ë", "e", "ö", "o").Replace(strings.ToLower(s))
}

func fold(a, b string) bool { return bare(a) == bare(b) }

// haystack is everything that words are searched in.
func haystack(d *app.Delivery) (all []string) {
	all = append(all, d.Account, d.Room, d.Participant, string(d.Kind), d.Type, d.Target, string(d.Body))
	for n, vs := range d.Headers {
		all = append(append(all, n), vs...)
	}
	return all
}

func leaf(t *rapid.T) model {
	pick := func(name string, from []string) string { return rapid.SampledFrom(from).Draw(t, name) }
	number := func(name string) int64 { return rapid.Int64Range(0, 40).Draw(t, name) }
	switch rapid.IntRange(0, 9).Draw(t, "field") {
	case 0:
		v := pick("account", someAccounts)
		return model{fmt.Sprintf("account:%q", strings.ToUpper(v)), func(d *app.Delivery) bool { return fold(d.Account, v) }}
	case 1:
		v := pick("room", someRooms)
		w := pick("other", someRooms)
		return model{fmt.Sprintf("room:%q,%q", v, w), func(d *app.Delivery) bool { return fold(d.Room, v) || fold(d.Room, w) }}
	case 2:
		n := number("seq")
		return model{fmt.Sprintf("seq:>%d", n), func(d *app.Delivery) bool { return int64(d.Seq) > n }}
	case 3:
		lo := number("from")
		hi := lo + number("length")
		return model{fmt.Sprintf("size:%d..%d", lo, hi), func(d *app.Delivery) bool { return d.Size >= lo && d.Size <= hi }}
	case 4:
		k := rapid.SampledFrom(provider.EventKinds()).Draw(t, "kind")
		return model{"kind:" + string(k), func(d *app.Delivery) bool {
			return d.Kind == k || strings.HasSuffix(string(d.Kind), "."+string(k)) || strings.HasPrefix(string(d.Kind), string(k)+".")
		}}
	case 5:
		word := pick("word", []string{"zoë", "zoe", "BO", "o-team", "stand", "week", "curl", "json", "hooks", "join"})
		return model{word, func(d *app.Delivery) bool {
			for _, s := range haystack(d) {
				if strings.Contains(bare(s), bare(word)) {
					return true
				}
			}
			return false
		}}
	case 6:
		m := number("minutes")
		return model{fmt.Sprintf("since:%dm", m), func(d *app.Delivery) bool { return !d.At.Before(now.Add(-time.Duration(m) * time.Minute)) }}
	case 7:
		return model{"is:duplicate", func(d *app.Delivery) bool { return d.DuplicateOf != 0 }}
	case 8:
		return model{"body.a.b:1", func(d *app.Delivery) bool { return string(d.Body) == someBodies[0] }}
	}
	v := pick("person", somePeople)
	return model{fmt.Sprintf("participant:%s*", v), func(d *app.Delivery) bool {
		return strings.HasPrefix(bare(d.Participant), bare(v)) || strings.HasPrefix(bare(d.Session), bare(v))
	}}
}

func tree(t *rapid.T, depth int) model {
	if depth == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		return leaf(t)
	}
	a := tree(t, depth-1)
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return model{rapid.SampledFrom([]string{"-(", "not (", "NOT("}).Draw(t, "not") + a.text + ")", func(d *app.Delivery) bool { return !a.hold(d) }}
	case 1:
		b := tree(t, depth-1)
		return model{"(" + a.text + rapid.SampledFrom([]string{" or ", " OR "}).Draw(t, "or") + b.text + ")", func(d *app.Delivery) bool { return a.hold(d) || b.hold(d) }}
	}
	b := tree(t, depth-1)
	return model{"(" + a.text + rapid.SampledFrom([]string{" ", " and ", "\t"}).Draw(t, "and") + b.text + ")", func(d *app.Delivery) bool { return a.hold(d) && b.hold(d) }}
}

func someDelivery(t *rapid.T) *app.Delivery {
	pick := func(name string, from []string) string { return rapid.SampledFrom(from).Draw(t, name) }
	return &app.Delivery{
		Seq: uint64(rapid.IntRange(1, 50).Draw(t, "seq")), At: app.At(now.Add(-time.Duration(rapid.IntRange(0, 4000).Draw(t, "age")) * time.Second)),
		Account: pick("account", someAccounts), Room: pick("room", someRooms), Participant: pick("person", somePeople), Session: pick("session", []string{"", "bo-1"}),
		Size: int64(rapid.IntRange(0, 60).Draw(t, "size")), Kind: rapid.SampledFrom(provider.EventKinds()).Draw(t, "kind"), Target: "/hooks/x",
		Verdict: provider.Verified, DuplicateOf: app.Seq(rapid.IntRange(0, 1).Draw(t, "repeats")),
		Headers: http.Header{"User-Agent": {pick("agent", []string{"curl/8", "", "Zoë"})}}, Body: app.Body(pick("body", someBodies)),
	}
}

// A filter selects what the model does. Its columns never refuse what matches, and its text is the same filter again.
func TestFiltersSelectAsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := tree(t, 4)
		f, err := Parse(m.text, Options{Now: now})
		if err != nil {
			t.Fatalf("%s: %v", m.text, err)
		}
		again, err := Parse(f.String(), Options{Now: now.Add(time.Hour)})
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for range 8 {
			d := someDelivery(t)
			want := m.hold(d)
			c := ColumnsOf(d)
			r := f.Range()
			if f.MatchDelivery(d) != want {
				t.Fatalf("%s: %t for %+v", m.text, !want, d)
			}
			if again.MatchDelivery(d) != want {
				t.Fatalf("%s as %s: %t", m.text, f, !want)
			}
			old := Columns{Seq: c.Seq, At: c.At, Kind: c.Kind, Old: true}
			exact := c // as earlier versions wrote it
			exact.Room, exact.Participant, exact.Folded = hash(strings.ToLower(d.Room)), hash(strings.ToLower(d.Participant)), false
			if want && (!f.May(&c) || !f.May(&old) || !f.May(&exact) || d.Seq < r.First || d.Seq > r.Last || c.At < r.Since) {
				t.Fatalf("%s: the columns refuse %+v", m.text, d)
			}
		}
	})
}
