package filter

import (
	"hash/fnv"
	"math"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/provider"
)

// Columns are the values of an event that a store keeps separate from its rows, so that most filters read few rows. Texts are hashes,
// which may collide: they can prove that an event doesn't match, but not that it does.
type Columns struct {
	Seq uint64
	// At is the arrival in Unix seconds.
	At      int64
	Kind    uint8 // see [KindIndex]
	Verdict uint8 // see [VerdictIndex]
	Status  uint16
	Flags   Flag
	// Size is at most [MaxSize], which also means any larger size.
	Size uint32

	Account, Type, Room, Meeting, Participant, Session uint32
	// Folded reports that the hashes are of folded texts. Otherwise the texts kept their accents, as in earlier versions.
	Folded bool
	// Accounts are the accounts of all events beside which these columns are, if they are known, each with a hash of its own.
	Accounts []Name
	// Old marks columns in which only Seq, At, Kind and the set Flags are known.
	Old bool
}

// Name is a text and its hash in columns.
type Name struct {
	Hash         uint32
	Text, folded string
}

// NameOf returns a text with its hash.
func NameOf(text string) Name {
	folded := latin.Fold(text)
	return Name{hash(folded), text, folded}
}

// MaxSize is the largest size in columns.
const MaxSize = math.MaxUint32

// ColumnsOf returns the columns of a delivery.
func ColumnsOf(d *app.Delivery) Columns {
	return Columns{
		Seq: d.Seq, At: d.At.Unix(), Kind: KindIndex(d.Kind), Verdict: VerdictIndex(d.Verdict), Status: uint16(d.Status),
		Flags: FlagsOf(d), Size: uint32(min(max(d.Size, 0), MaxSize)),
		Account: Hash(d.Account), Type: Hash(d.Type), Room: Hash(d.Room), Meeting: Hash(d.Meeting), Participant: Hash(d.Participant),
		Session: Hash(d.Session), Folded: true,
	}
}

// KnownKind returns the kind, if the columns, which may be nil, prove it.
func (c *Columns) KnownKind() (provider.EventKind, bool) {
	if c == nil || c.Kind == kindIndex[provider.KindUnknown] {
		return "", false
	}
	return provider.EventKinds()[c.Kind], true
}

// Number returns a field's number, if the columns, which may be nil, prove it.
func (c *Columns) Number(f Field) (int64, bool) {
	switch {
	case c == nil:
		return 0, false
	case f == Seq:
		return int64(c.Seq), true
	case f == Status && !c.Old:
		return int64(c.Status), true
	case f == Size && !c.Old && c.Size < MaxSize:
		return int64(c.Size), true
	}
	return 0, false
}

// Hash returns the hash of a text in columns, which doesn't depend on case and accents.
func Hash(s string) uint32 { return hash(latin.Fold(s)) }

func hash(s string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(s))
	return h.Sum32()
}

func (t *textTerm) may(c *Columns) truth {
	if t.Field == Account && c.Folded && !c.Old {
		for i := range c.Accounts {
			if name := &c.Accounts[i]; name.Hash == c.Account {
				return truthOf(t.hashes == nil && t.any(name.Text) || t.hashes != nil && t.anyExact(name.folded))
			}
		}
	}
	if t.hashes == nil || c.Old || !c.Folded && t.Field != Meeting {
		return maybe
	}
	var has uint32
	switch t.Field {
	case Account:
		has = c.Account
	case Type:
		has = c.Type
	case Room:
		has = c.Room
	case Meeting:
		has = c.Meeting
	case Participant:
		for _, h := range t.hashes {
			if h == c.Participant || h == c.Session {
				return maybe
			}
		}
		return no
	default:
		return maybe
	}
	for _, h := range t.hashes {
		if h == has {
			return maybe
		}
	}
	return no
}

// anyExact compares a folded text where all values are exact.
func (t *textTerm) anyExact(folded string) bool {
	for i := range t.texts {
		if t.texts[i].parts[0] == folded {
			return true
		}
	}
	return false
}

func (t *numberTerm) may(c *Columns) truth {
	switch {
	case t.Field == Seq:
		return truthOf(t.holds(float64(c.Seq)))
	case c.Old || t.Field == Size && c.Size == MaxSize:
		return maybe
	case t.Field == Size:
		return truthOf(t.holds(float64(c.Size)))
	}
	return truthOf(t.holds(float64(c.Status)))
}

func (t *kindTerm) may(c *Columns) truth {
	if c.Kind == kindIndex[provider.KindUnknown] {
		return maybe // a kind of another version is stored as unknown
	}
	return truthOf(t.kinds&(1<<c.Kind) != 0)
}

func (t *verdictTerm) may(c *Columns) truth {
	if c.Old || int(c.Verdict) >= len(verdicts) {
		return maybe
	}
	return truthOf(t.verdicts&(1<<c.Verdict) != 0)
}

func (t *flagTerm) may(c *Columns) truth {
	switch {
	case c.Flags&t.flags != 0:
		return yes
	case c.Old:
		return maybe
	}
	return no
}

func (t timeTerm) may(c *Columns) truth {
	bound := t.at.Unix()
	switch {
	case c.At == bound:
		return maybe
	case t.Field == Since:
		return truthOf(c.At > bound)
	}
	return truthOf(c.At < bound)
}

// Range is a range of events; both ends are included.
type Range struct {
	First, Last uint64
	// Since is the earliest arrival in Unix seconds, 0 for any.
	Since int64
	// Verdicts has a bit for each [VerdictIndex] that can match.
	Verdicts uint8
}

// Range returns a range that contains every match.
func (f *Filter) Range() Range {
	all := Range{Last: math.MaxUint64, Verdicts: math.MaxUint8}
	if f.Empty() {
		return all
	}
	return within(f.root, all)
}

func within(n node, r Range) Range {
	switch n := n.(type) {
	case allOf:
		for _, part := range n {
			r = within(part, r)
		}
	case timeTerm:
		if n.Field == Since {
			r.Since = max(r.Since, n.at.Unix())
		}
	case *verdictTerm:
		r.Verdicts &= n.verdicts
	case *numberTerm:
		if n.Field != Seq {
			break
		}
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, s := range n.spans {
			lo, hi = min(lo, s.lo), max(hi, s.hi)
		}
		if lo > 0 && lo < 1<<53 {
			r.First = max(r.First, uint64(lo))
		}
		if hi >= 0 && hi < 1<<53 {
			r.Last = min(r.Last, uint64(hi))
		}
	}
	return r
}
