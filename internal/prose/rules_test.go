package prose

import "regexp"

// A rule refuses a wording and names a better one.
type rule struct {
	find   *regexp.Regexp
	unless *regexp.Regexp // what the text must not continue with, from the match's beginning; nil without exception
	better string
}

// text makes a rule of a pattern of whole words, whatever their case. A space matches any white space, so that a phrase is found
// across lines.
func text(pattern, unless, better string) rule {
	r := rule{find: wordsOf(pattern), better: better}
	if unless != "" {
		r.unless = regexp.MustCompile(`^(?:` + wordsOf(unless).String() + `)`)
	}
	return r
}

func wordsOf(pattern string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:` + regexp.MustCompile(` `).ReplaceAllString(pattern, `\s+`) + `)\b`)
}

// texts hold in comments, strings, Markdown and scripts.
var texts = []rule{
	text(`anew`, ``, "again, from the start, new"),
	text(`shall`, ``, "must, will"),
	text(`(?:there|where)(?:of|upon)|wherein|hereof`, ``, "of it, then, in which"),
	text(`(?:of|to|for|from|with) whom`, ``, "whose, or two sentences"),
	text(`who(?:ever|mever|soever)`, ``, "the user, the sender, anyone who"),
	text(`somebody|nobody|everybody|anybody`, ``, "a participant, someone, no one, everyone"),
	text(`stands|stood`, `(?:stands|stood) (?:for|in for)`, "is, exists, remains"),
	text(`told|tells`, `(?:told|tells) (?:\w+ )?apart`, "reported, shows, distinguishes"),
	text(`(?:is|are|was|were|be|been|being) said`, ``, "is shown, is logged"),
	text(`by (?:itself|themselves)`, ``, "automatically, alone"),
	text(`(?:go|goes|going|went|gone) on`, `(?:go|goes|going|went|gone) on (?:the|a|stage)`, "continue, resume"),
	text(`(?:give|gives|gave|given|giving) (?:it )?up`, ``, "cancel, fail, stop"),
	text(`takes (?:no|none|nothing|neither|what|whatever|only|any|anything|one|another|every|either|its)`, `takes (?:no|any) (?:time|longer)|takes its time`,
		"accepts, selects, uses"),
	text(`in the midst`, ``, "during, in the middle"),
	text(`for ever`, ``, "permanently, forever"),
	text(`beforehand`, ``, "in advance, first"),
	text(`there or not`, ``, "whether it exists"),
	text(`what has no`, ``, "a noun: requests without a signature"),
	text(`(?:is|are|as|isn't|of) no UTF-8`, ``, "not valid UTF-8"),
	text(`(?:it|that|this|what|which) is no (?:JSON|token|link|header|date|URL|object|filter)`, ``, "is not a"),
	text(`exists? already`, ``, "already exists"),
	text(`excludes? each other`, ``, "use either one or the other, not both"),
	text(`of yours`, ``, "your own"),
	text(`in the place of`, ``, "instead of, replaces"),
	text(`(?:does not|doesn't|do not|don't) move on`, ``, "never ends, makes no progress"),
	text(`(?:go|goes) in circles`, ``, "never ends"),
}

// comments hold at the beginning of a comment: it starts with the name and a verb.
var comments = []rule{
	text(`\w+ (?:is|are) what`, ``, "is the …, returns, reports"),
	text(`\w+ (?:says|tells) (?:whether|if)`, ``, "reports whether"),
}

// names hold for the words of identifiers, in lower case.
var names = map[string]string{
	"passage": "tunnel, stream, session", "door": "listener, entry", "anew": "again, reset, refresh", "told": "reported, notified",
	"taken": "used, accepted, exists", "stands": "exists, current", "stood": "existed", "sight": "presence, view",
	"heard": "received, lastSeen", "whoever": "any", "somebody": "someone", "nobody": "none, noOne", "shall": "want, must",
	"thereof": "of", "beforehand": "first", "tells": "reports",
}
