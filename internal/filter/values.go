package filter

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"greenroom/internal/nearest"
	"greenroom/internal/when"
	"greenroom/provider"
)

// value is one value of a list.
type value struct {
	text   string
	at     int
	quoted bool
	regex  *regexp.Regexp
}

// values reads what follows a field's colon. start is where the term begins.
func (p *parser) values(f Field, name string, start int) (node, error) {
	var list []value
	for {
		v := value{at: p.at}
		var err error
		switch {
		case p.peek() == '"':
			v.quoted = true
			v.text, err = p.quoted()
		case p.peek() == '/' && f != Target:
			if expr, ok := p.slashed(); ok {
				v.regex, err = p.compile(expr, v.at)
				break
			}
			v.text = p.word(",")
		default:
			v.text = p.word(",")
		}
		if err != nil {
			return nil, err
		}
		if v.text == "" && !v.quoted && v.regex == nil {
			return nil, p.fail(v.at, p.text[start:v.at]+" needs a value", `for an empty one write ""`)
		}
		list = append(list, v)
		if p.peek() != ',' {
			break
		}
		p.at++
	}
	if !p.boundary() {
		return nil, p.fail(p.at, "a space is missing before this", "")
	}
	source := p.text[start:p.at]
	switch {
	case f == Is || f == Status && p.Of == Rooms: // of those a status is a property
		return p.properties(list, source)
	}
	switch f {
	case Kind:
		return p.kinds(list, source)
	case Verdict:
		return p.verdicts(list, source)
	case Since, Until:
		if len(list) > 1 {
			return nil, p.fail(list[1].at, "only one time is possible here", "")
		}
		return p.when(f, list[0])
	case Date:
		return p.dates(list)
	case Status, Size, Seq:
		return p.numbers(f, list, source)
	}
	t := &textTerm{Field: f, name: name, source: source}
	for _, v := range list {
		one, err := p.textOf(f, v)
		if err != nil {
			return nil, err
		}
		t.texts = append(t.texts, one)
	}
	return t.ready(), nil
}

// textOf reads a value of text. A header or a value in a body may also be compared as a number.
func (p *parser) textOf(f Field, v value) (text, error) {
	if v.regex != nil {
		return text{regex: v.regex}, nil
	}
	if !v.quoted && (f == Header || f == Body) {
		if lo, hi, ok := bounds(v.text, decimal); ok && (strings.ContainsAny(v.text[:1], "<>=") || strings.Contains(v.text, "..")) {
			return text{span: &span{lo, hi}}, nil
		}
		if strings.ContainsAny(v.text[:1], "<>") {
			return text{}, p.fail(v.at, "this value can't be compared as a number", "to compare it as text, quote it")
		}
	}
	return pattern(v.text, !v.quoted), nil
}

func decimal(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsNaN(n)
}

// bounds reads >n, >=n, <n, <=n, =n, n..m, n.., ..m and n. Both ends are included.
func bounds(s string, read func(string) (float64, bool)) (lo, hi float64, ok bool) {
	lo, hi = math.Inf(-1), math.Inf(1)
	for _, op := range []string{">=", "<=", ">", "<", "="} {
		rest, found := strings.CutPrefix(s, op)
		if !found {
			continue
		}
		n, ok := read(rest)
		switch op {
		case ">=":
			return n, hi, ok
		case "<=":
			return lo, n, ok
		case ">":
			return math.Nextafter(n, hi), hi, ok
		case "<":
			return lo, math.Nextafter(n, lo), ok
		}
		return n, n, ok
	}
	if from, to, found := strings.Cut(s, ".."); found && s != ".." {
		ok = true
		if from != "" {
			lo, ok = read(from)
		}
		if to != "" && ok {
			hi, ok = read(to)
		}
		return lo, hi, ok
	}
	n, ok := read(s)
	return n, n, ok
}

func (p *parser) numbers(f Field, list []value, source string) (node, error) {
	t := &numberTerm{Field: f, source: source}
	read := decimal
	hint := "write it like " + map[Field]string{
		Status: "status:404, status:>=400, status:4xx or status:400..499", Size: "size:>10kB or size:1KiB..1MiB", Seq: "seq:>=100 or seq:100..200",
	}[f]
	if f == Size {
		read = func(s string) (float64, bool) {
			n, err := humanize.ParseBytes(s)
			return float64(n), err == nil && !strings.ContainsAny(s, "+-")
		}
	}
	for _, v := range list {
		text := v.text
		if f == Status && len(text) == 3 && strings.EqualFold(text[1:], "xx") && text[0] >= '1' && text[0] <= '9' {
			text = text[:1] + "00.." + text[:1] + "99"
		}
		lo, hi, ok := bounds(text, read)
		if !ok || v.regex != nil {
			return nil, p.fail(v.at, quoteIfOdd(p.text[v.at:v.at+max(len(v.text), 1)])+" isn't a number", hint)
		}
		if lo > hi {
			return nil, p.fail(v.at, "the range ends before it begins", hint)
		}
		t.spans = append(t.spans, span{lo, hi})
	}
	return t, nil
}

// kinds reads kinds: whole ones, their first or last part, or with *.
func (p *parser) kinds(list []value, source string) (node, error) {
	t := &kindTerm{source: source}
	for _, v := range list {
		var found uint32
		glob := pattern(v.text, !v.quoted)
		for i, k := range provider.EventKinds() {
			first, last, _ := strings.Cut(string(k), ".")
			if v.regex != nil && v.regex.MatchString(string(k)) || v.regex == nil &&
				(glob.match(string(k)) || strings.EqualFold(first, v.text) || strings.EqualFold(last, v.text)) {
				found |= 1 << i
			}
		}
		if found == 0 {
			var all []string
			for _, k := range provider.EventKinds() {
				all = append(all, string(k))
			}
			hint := nearest.Question(v.text, all)
			if hint == "" {
				hint = "kinds are " + strings.Join(all, ", ") + "; a platform's own word is type:"
			}
			return nil, p.fail(v.at, "there is no kind "+quoteIfOdd(v.text), hint)
		}
		t.kinds |= found
	}
	return t, nil
}

// verdicts reads verdicts, or the beginnings of some.
func (p *parser) verdicts(list []value, source string) (node, error) {
	t := &verdictTerm{source: source}
	for _, v := range list {
		found := false
		for i, known := range verdicts {
			glob := pattern(v.text, !v.quoted)
			if glob.match(string(known)) || v.text != "" && strings.HasPrefix(string(known), strings.ToLower(v.text)) {
				t.verdicts |= 1 << i
				found = true
			}
		}
		if !found {
			return nil, p.fail(v.at, "there is no verdict "+quoteIfOdd(v.text), "use verified, rejected or unverified")
		}
	}
	return t, nil
}

func (p *parser) properties(list []value, source string) (node, error) {
	t := &flagTerm{source: source}
	for _, v := range list {
		found := false
		for _, f := range flags {
			if !strings.EqualFold(f.name, v.text) {
				continue
			}
			if f.of != p.Of {
				return nil, p.fail(v.at, "is:"+f.name+" is for "+map[Subject]string{Events: "events", Rooms: "rooms and meetings"}[f.of], p.known())
			}
			t.flags |= f.Flag
			found = true
		}
		if !found {
			return nil, p.fail(v.at, "there is no is:"+v.text, p.known())
		}
	}
	return t, nil
}

// known is the hint that lists the properties of the subject.
func (p *parser) known() string { return "use is:" + strings.Join(Properties(p.Of), ", is:") }

// Properties returns the words that is: accepts.
func Properties(of Subject) (out []string) {
	for _, f := range flags {
		if f.of == of {
			out = append(out, f.name)
		}
	}
	return out
}

// when reads an age or a moment. A date alone includes its day.
func (p *parser) when(f Field, v value) (node, error) {
	if v.regex == nil {
		if age, ok := when.Age(v.text); ok {
			return timeTerm{f, p.Now.Add(-age)}, nil
		}
		if end, ok := when.Date(v.text, p.Now); ok && f == Until {
			return timeTerm{f, end.Add(-1)}, nil
		}
		if t, ok := when.Moment(v.text, p.Now, false); ok {
			return timeTerm{f, t}, nil
		}
	}
	return nil, p.fail(v.at, "this isn't an age or a time", "write it like 2h, 7d, 09:00, 2026-01-31, 2026-01-31T09:00 or 2026-01-31T09:00:00Z")
}

// dates reads days, months and ranges of them.
func (p *parser) dates(list []value) (node, error) {
	var days anyOf
	for _, v := range list {
		first, last, isRange := strings.Cut(v.text, "..")
		if !isRange {
			last = first
		}
		from, _, ok := p.day(first)
		_, to, ok2 := p.day(last)
		if !ok || !ok2 || v.regex != nil {
			return nil, p.fail(v.at, "this isn't a date", "write it like 2026-11-28, 2026-11, today, yesterday or 2026-11-01..2026-11-28")
		}
		days = append(days, allOf{timeTerm{Since, from}, timeTerm{Until, to.Add(-1)}})
	}
	if len(days) == 1 {
		return days[0], nil
	}
	return days, nil
}

// day returns the beginning and the end of a day or a month.
func (p *parser) day(text string) (from, to time.Time, ok bool) {
	y, m, d := p.Now.Date()
	zone := p.Now.Location()
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	switch strings.ToLower(text) {
	case "today":
		return date(y, m, d), date(y, m, d+1), true
	case "yesterday":
		return date(y, m, d-1), date(y, m, d), true
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return date(t.Date()), date(t.Year(), t.Month(), t.Day()+1), true
	}
	t, err := time.Parse("2006-01", text)
	return date(t.Date()), date(t.Year(), t.Month()+1, 1), err == nil
}

var verdicts = []provider.Verdict{provider.Verified, provider.Rejected, provider.Unverified}

// VerdictIndex returns a number for a verdict, below 4.
func VerdictIndex(v provider.Verdict) uint8 {
	if i := slices.Index(verdicts, v); i >= 0 {
		return uint8(i)
	}
	return uint8(len(verdicts))
}
