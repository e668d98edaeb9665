// Package notify decides which notifications, here named calls, are due: a participant is waiting to be let in, a meeting is about to begin, a
// recording is ready, an account fails.
//
// It is pure. [Memory.Next] compares the state with earlier calls, and returns the calls that are due. The caller stores the memory before it
// makes them, so that neither a restart nor a repeated event causes a second call. Conditions that can recur, such as a failing account, cause
// another call after they were over for a while.
package notify

import (
	"fmt"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/internal/plain"
)

// The words for calls in the configuration.
const (
	Waiting         = "waiting"
	FirstGuest      = "first-guest"
	Starting        = "starting"
	RecordingReady  = "recording-ready"
	RecordingFailed = "recording-failed"
	DownloadFailed  = "download-failed"
	AccountFailed   = "account-failed"
	TunnelFailed    = "tunnel-failed"
	AloneRecording  = "alone-recording"
)

var words = []string{
	Waiting, FirstGuest, Starting, RecordingReady, RecordingFailed, DownloadFailed, AccountFailed, TunnelFailed, AloneRecording,
}

// Words lists the words.
func Words() []string { return slices.Clone(words) }

// WordsIn returns the words in a text, separated by spaces or commas. ok is false if the text contains anything else.
func WordsIn(text string) (in []string, ok bool) {
	in = strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
	return in, len(in) > 0 && !slices.ContainsFunc(in, func(w string) bool { return !slices.Contains(words, w) })
}

// longest is the largest number of characters of a name in a sentence.
const longest = 60

// Sentence describes a call, safe to show.
func Sentence(c app.Call) string {
	name := func(s, otherwise string) string {
		if s = plain.Text(s); s == "" {
			return otherwise
		}
		if r := []rune(s); len(r) > longest {
			s = string(r[:longest-1]) + "…"
		}
		return s
	}
	because := ""
	if c.Reason != "" {
		because = ": " + plain.Text(c.Reason)
	}
	room, person := name(c.Room, "a meeting"), name(c.Person, "Someone")
	switch c.Event {
	case Waiting:
		return fmt.Sprintf("%s is waiting to be let into %s", person, room)
	case FirstGuest:
		return fmt.Sprintf("%s is the first guest in %s", person, room)
	case Starting:
		return fmt.Sprintf("%s begins at %s", room, c.At.Local().Format("15:04"))
	case RecordingReady:
		return fmt.Sprintf("The recording of %s is ready", room)
	case RecordingFailed:
		return fmt.Sprintf("The recording of %s failed%s", room, because)
	case DownloadFailed:
		return fmt.Sprintf("The download of the recording of %s failed%s", room, because)
	case AccountFailed:
		return fmt.Sprintf("The account %s is failing%s", name(c.Account, "?"), because)
	case TunnelFailed:
		return "The tunnel is failing" + because
	case AloneRecording:
		return fmt.Sprintf("%s is still being recorded, with one person left", room)
	}
	return fmt.Sprintf("%s in %s", name(c.Event, "an event"), room)
}
