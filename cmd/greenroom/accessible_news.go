package main

import (
	"cmp"
	"fmt"
	"sync"

	"greenroom/internal/app"
	"greenroom/internal/notify"
	"greenroom/internal/plain"
	"greenroom/provider"
)

// mostNews is how many lines of news are kept between two prompts.
const mostNews = 20

// news collects events between two prompts. The bell rings immediately; the lines are printed before the next prompt, so that they don't
// interrupt one that is read aloud.
type news struct {
	ring func(app.Call)

	mu    sync.Mutex
	lines []string
	more  int
}

// add adds a change.
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

// print prints and removes the news.
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

// activitySentence describes an activity. It is empty if a call or the next summary describes it.
func activitySentence(a app.Activity) string {
	room, who := plain.Text(a.Room), cmp.Or(plain.Text(a.Who), "Someone")
	switch a.Kind {
	case provider.KindMeetingStarted:
		return room + " is live."
	case provider.KindMeetingEnded:
		return "The meeting of " + room + " has ended."
	case provider.KindParticipantJoined:
		return who + " joined " + room + "."
	case provider.KindParticipantLeft:
		return who + " left " + room + "."
	}
	return ""
}
