package main

import (
	"fmt"
	"sync"

	"greenroom/internal/app"
	"greenroom/internal/notify"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// mostNews is how many lines of news are kept between two prompts.
const mostNews = 20

// news collects what happens between two prompts. It rings at once, and the lines come before the next prompt: one that is read aloud
// isn't interrupted.
type news struct {
	ring func(app.Call)

	mu    sync.Mutex
	lines []string
	more  int
}

// add takes a change in.
func (n *news) add(c app.Change) {
	line := ""
	switch {
	case c.Kind == app.CallChange && c.Call != nil:
		n.ring(*c.Call)
		line = notify.Sentence(*c.Call) + "."
	case c.Kind == app.ActivityChange && c.Activity != nil:
		line = activitySentence(*c.Activity)
	}
	if line == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.lines) == mostNews {
		n.lines, n.more = n.lines[1:], n.more+1
	}
	n.lines = append(n.lines, line)
}

// print prints the news and forgets them.
func (n *news) print(p *program) {
	n.mu.Lock()
	lines, more := n.lines, n.more
	n.lines, n.more = nil, 0
	n.mu.Unlock()
	if len(lines) == 0 {
		return
	}
	p.words("Meanwhile:")
	if more > 0 {
		p.words(fmt.Sprintf("%d earlier lines are not shown.", more))
	}
	for _, l := range lines {
		p.words(l)
	}
}

// activitySentence describes an activity, or is empty where a call or the next summary says it.
func activitySentence(a app.Activity) string {
	who, verb := plain.Text(a.Who), map[provider.EventKind]string{
		provider.KindParticipantJoined: "joined", provider.KindParticipantLeft: "left",
	}[a.Kind]
	if who == "" {
		who = "Someone"
	}
	switch a.Kind {
	case provider.KindMeetingStarted:
		return plain.Text(a.Room) + " is live."
	case provider.KindMeetingEnded:
		return "The meeting of " + plain.Text(a.Room) + " has ended."
	}
	if verb == "" {
		return ""
	}
	return fmt.Sprintf("%s %s %s.", who, verb, plain.Text(a.Room))
}
