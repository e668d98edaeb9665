package relayclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"greenroom/internal/cursor"
	"greenroom/tunnel"
	"greenroom/tunnel/wire"
)

// deliver passes on complete requests, one call at a time, until the session ends.
func (s *session) deliver() {
	for !s.ending() {
		batch, again := s.inbox.next(s.link.Clock.Now())
		if len(batch) > 0 {
			s.store(batch)
			continue
		}
		if !s.await(again) {
			return
		}
	}
}

// await waits until a request may be ready, or for d unless that is 0. It returns false when the session ends.
func (s *session) await(d time.Duration) bool {
	var due <-chan time.Time
	if d > 0 {
		timer := s.link.Clock.NewTimer(d)
		defer timer.Stop()
		due = timer.Chan()
	}
	select {
	case <-s.quit:
		return false
	case <-s.inbox.ready:
	case <-due:
	}
	return true
}

// store passes on one batch, and confirms the stored requests to the relay.
func (s *session) store(batch []*request) {
	envelopes := make([]tunnel.Envelope, len(batch))
	for n, r := range batch {
		envelopes[n] = r.envelope
	}
	answers, err := s.link.local.Receive(s.link.working, envelopes)
	if err == nil && len(answers) != len(batch) {
		err = fmt.Errorf("%d answers to %d requests", len(answers), len(batch))
	}
	if err != nil {
		if errors.Is(err, context.Canceled) && s.link.working.Err() != nil {
			return // closed
		}
		answers = make([]tunnel.Answer, len(batch))
	}
	done := s.inbox.settle(batch, answers, err != nil, s.link.Clock.Now())
	for _, n := range done.stored {
		a := answers[n]
		s.sendJSON(wire.Resp, batch[n].stream, wire.RespBody{
			Status: a.Status, RetryAfter: seconds(a.RetryAfter), Text: a.Text[:min(len(a.Text), 4096)], ContentType: a.ContentType,
		})
	}
	for _, p := range done.positions {
		s.sendJSON(wire.Stored, 0, wire.StoredBody(p))
	}
	if done.back != (wire.CreditBody{}) {
		s.sendJSON(wire.Credit, 0, done.back)
	}
	if len(done.stored) > 0 {
		s.stored.Store(true)
	}
	s.trouble(done, answers, err)
}

// trouble shows whether requests can't be stored.
func (s *session) trouble(done settled, answers []tunnel.Answer, err error) {
	reason := ""
	if done.troubled {
		reason = "requests can't be stored here"
		switch {
		case err != nil:
			reason += ": " + words(err.Error())
		case done.refused >= 0 && answers[done.refused].Text != "":
			reason += ": " + words(answers[done.refused].Text)
		case done.refused >= 0:
			reason += fmt.Sprintf(" (%d)", answers[done.refused].Status)
		default:
			return // another hook's reason is shown
		}
		if reason != s.troubled { // it may last, and is tried again and again
			s.link.log(reason)
		}
	}
	if s.troubled = reason; s.ending() {
		return // the reason of the end is shown
	}
	s.link.board.Update(func(st *tunnel.Status) {
		st.State, st.Reason = tunnel.Live, reason
		if reason != "" {
			st.State = tunnel.Degraded
		}
	})
}

func seconds(d time.Duration) int { return int((max(d, 0) + time.Second - 1) / time.Second) }

// next returns the next batch: of each hook in turn, its complete requests from the front. If there is none, again is how long a hook
// still waits after a failure, or 0.
func (i *inbox) next(now time.Time) (batch []*request, again time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var size int64
	full := func(r *request) bool {
		return len(batch) >= batchMost || len(batch) > 0 && size+int64(len(r.envelope.Body)) > batchBytes
	}
	first := -1
	for n, h := range i.turn {
		wait := h.until.Sub(now)
		switch {
		case !h.waiting[0].complete || h.alone && len(batch) > 0:
			continue
		case wait > 0:
			again = cmp.Or(min(again, wait), wait)
			continue
		}
		for _, r := range h.waiting {
			if !r.complete || full(r) {
				break
			}
			batch = append(batch, r)
			size += int64(len(r.envelope.Body))
		}
		if first < 0 {
			first = n
		}
		if h.alone || len(batch) >= batchMost || size >= batchBytes {
			break
		}
	}
	// The next call begins after the hook that this one begins with.
	i.turn = slices.Concat(i.turn[first+1:], i.turn[:first+1])
	return batch, again
}

// settled is the outcome of a batch.
type settled struct {
	stored    []int // the indices of stored requests, in order
	positions []cursor.Position
	back      wire.CreditBody
	refused   int  // the first that wasn't stored, or -1
	troubled  bool // some hook waits after a failure
}

// settle records the stored requests: of each hook, those before the first that wasn't stored. The others wait.
func (i *inbox) settle(batch []*request, answers []tunnel.Answer, failed bool, now time.Time) settled {
	i.mu.Lock()
	defer i.mu.Unlock()
	done := settled{refused: -1}
	refused := map[*hook]bool{}
	moved := map[*hook]int{}
	for n, r := range batch {
		h, a := r.hook, answers[n]
		if refused[h] {
			continue
		}
		if !a.Stored {
			refused[h] = true
			if done.refused < 0 {
				done.refused = n
			}
			h.alone = failed
			h.until = now.Add(max(h.backoff.Next(now), min(a.RetryAfter, time.Minute)))
			continue
		}
		h.position = r.envelope.Position
		h.alone, h.until = false, time.Time{}
		h.backoff.Reset()
		moved[h]++
		i.held -= r.held
		done.back.Events++
		done.back.Bytes += r.credit
		done.stored = append(done.stored, n)
	}
	for h, n := range moved {
		clear(h.waiting[:n]) // bodies are large
		h.waiting = h.waiting[n:]
		done.positions = append(done.positions, h.position)
	}
	i.turn = slices.DeleteFunc(i.turn, func(h *hook) bool { return len(h.waiting) == 0 })
	done.troubled = slices.ContainsFunc(i.turn, func(h *hook) bool { return !h.until.IsZero() })
	i.grant(done.back)
	return done
}
