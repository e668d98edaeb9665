// Package scenario plans the events of simulated meetings, in their order and with the people and times that they share. It is pure.
package scenario

import (
	"slices"
	"time"

	"greenroom/provider"
)

// Step is one event of a scenario.
type Step struct {
	Kind provider.EventKind
	// At is the time of the event after the beginning of the scenario. Since is the beginning of the stay, recording or meeting that
	// the event ends; for other events it is At.
	At, Since time.Duration
	// Person is the number of the participant, from 1; 0 for an event about the meeting or its recording.
	Person int
	// Here is the number of people present after the event.
	Here int
}

// Names lists the scenarios.
func Names() []string { return []string{"meeting", "recording", "lobby"} }

// MaxPeople is the largest number of people in a scenario.
const MaxPeople = 1000

// between is the time between two events.
const between = 5 * time.Second

// Plan returns the events of a scenario with a number of people. Events that the platform doesn't send are left out. In a lobby the first person
// is the host, who admits the others; the last of several leaves the lobby before that.
func Plan(name string, people int, sends []provider.EventKind) []Step {
	p := &plan{sends: sends, joined: make([]time.Duration, people+1)}
	p.add(Step{Kind: provider.KindMeetingStarted})
	admitted := people
	switch name {
	case "lobby":
		p.join(1)
		for who := 2; who <= people; who++ {
			p.joined[who] = p.now
			p.add(Step{Kind: provider.KindParticipantWaiting, Person: who})
		}
		if people > 2 {
			admitted--
			p.add(Step{Kind: provider.KindParticipantWaitingLeft, Person: people, Since: p.joined[people]})
		}
		for who := 2; who <= admitted; who++ {
			p.join(who)
		}
	default:
		for who := 1; who <= people; who++ {
			p.join(who)
		}
	}
	recorded := p.now
	if name == "recording" {
		p.add(Step{Kind: provider.KindRecordingStarted})
	}
	for who := admitted; who >= 1; who-- {
		p.here--
		p.add(Step{Kind: provider.KindParticipantLeft, Person: who, Since: p.joined[who]})
	}
	ended := p.now
	p.add(Step{Kind: provider.KindMeetingEnded, At: ended, Since: p.began})
	if name == "recording" {
		p.add(Step{Kind: provider.KindRecordingReady, Since: recorded})
	}
	return p.steps
}

type plan struct {
	sends  []provider.EventKind
	steps  []Step
	now    time.Duration
	began  time.Duration
	here   int
	joined []time.Duration
}

// add adds an event and lets time pass; an event that the platform doesn't send is left out.
func (p *plan) add(s Step) {
	if !slices.Contains(p.sends, s.Kind) {
		return
	}
	s.At, s.Here = p.now, p.here
	switch s.Kind {
	case provider.KindParticipantLeft, provider.KindParticipantWaitingLeft, provider.KindMeetingEnded, provider.KindRecordingReady:
	default:
		s.Since = s.At
	}
	p.steps = append(p.steps, s)
	p.now += between
}

func (p *plan) join(who int) {
	p.here++
	p.joined[who] = p.now
	p.add(Step{Kind: provider.KindParticipantJoined, Person: who})
}
