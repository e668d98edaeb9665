package hub

import (
	"encoding/json"
	"errors"
	"slices"

	"greenroom/internal/catalog"
	"greenroom/internal/roster"
	"greenroom/store"
)

func failuresKey(account, instance string) string {
	return "failures\x00" + account + "\x00" + instance
}

// failuresOf lists the failures of an instance, oldest first. Earlier versions stored only the recording that shows them.
func failuresOf(tx *store.Tx, account, instance string) ([]catalog.Failure, error) {
	if raw := tx.Value(failuresKey(account, instance)); raw != nil {
		var all []catalog.Failure
		return all, json.Unmarshal(raw, &all)
	}
	r, err := tx.Recording(account, catalog.Unnamed(instance))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return []catalog.Failure{{At: r.StartedAt.UTC(), Why: r.Error, Meeting: r.Meeting}}, err
}

// addFailure stores a failure of an instance.
func addFailure(tx *store.Tx, account, instance string, f catalog.Failure) error {
	all, err := failuresOf(tx, account, instance)
	if err != nil {
		return err
	}
	if all = catalog.AddFailure(all, f); all == nil {
		return nil
	}
	raw, err := json.Marshal(all)
	return errors.Join(err, tx.PutValue(failuresKey(account, instance), raw))
}

// settleFailures assigns the failures of an instance to the recordings of a meeting. Unassigned failures are shown by a separate
// recording. The caller writes the meeting.
func settleFailures(tx *store.Tx, m *roster.Meeting, instance string) error {
	all, err := failuresOf(tx, m.Account, instance)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(f catalog.Failure) bool { return f.Meeting != "" && f.Meeting != m.ID })
	if len(all) == 0 {
		return nil
	}
	recordings, err := recordingsOf(tx, m)
	if err != nil {
		return err
	}
	changed, none := catalog.SettleFailures(recordings, instance, all)
	if err := putRecordings(tx, changed); err != nil {
		return err
	}
	return showFailures(tx, m, instance, none)
}

// showFailures writes the recording that shows unassigned failures, or deletes it if there are none.
func showFailures(tx *store.Tx, m *roster.Meeting, instance string, all []catalog.Failure) error {
	r, known, err := store.Found(tx.Recording(m.Account, catalog.Unnamed(instance)))
	switch {
	case err != nil || len(all) == 0 && !known:
		return err
	case len(all) == 0:
		catalog.Forget(m, r.ID)
		return tx.DeleteRecording(r)
	}
	catalog.ShowFailure(&r, m, instance, all[len(all)-1])
	catalog.Confirm(m, r)
	return tx.PutRecording(r)
}
