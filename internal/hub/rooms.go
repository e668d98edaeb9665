package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"
	"golang.org/x/text/unicode/norm"

	"greenroom/internal/app"
	"greenroom/internal/latin"
	"greenroom/internal/nearest"
	"greenroom/internal/plain"
	"greenroom/provider"
	"greenroom/store"
)

// Limits of a room's settings.
const (
	maxRoomName = 64 // runes
	maxRoomSize = 100_000
)

// accountName matches the names that an account can have. A room may be pinned to one that isn't configured yet: the choice is
// made when a meeting starts, and is explained until then.
var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// CreateRoom creates a room. It needs no account, which is chosen when a meeting starts.
func (h *Hub) CreateRoom(ctx context.Context, spec app.RoomSpec) (app.Room, error) {
	r := app.Room{ID: h.newID(), RoomSettings: spec, CreatedAt: h.now()}
	r.Name, r.Group = roomName(r.Name), roomName(r.Group)
	h.noteAutoSince(&r, false)
	r.Link, r.Recording = cmp.Or(r.Link, app.LinkNew), cmp.Or(r.Recording, provider.RecordingNone)
	if r.Trigger == "" {
		r.Trigger = provider.TriggerNone
		if r.Recording == provider.RecordingCloud {
			r.Trigger = provider.TriggerAutomatic2nd
		}
	}
	if err := h.checkRoom(r); err != nil {
		return app.Room{}, err
	}
	if r.Logo != "" {
		if _, err := readLogo(r.Logo); err != nil {
			return app.Room{}, err
		}
	}
	if r.Lasting() {
		return h.createLasting(ctx, r)
	}
	err := h.store.Update(ctx, func(tx *store.Tx) error { return putNewName(tx, r) })
	return r, writeError(err)
}

// EditRoom changes a room's settings for future meetings, and those of a lasting platform room at once.
func (h *Hub) EditRoom(ctx context.Context, p app.RoomPatch) (app.Room, error) {
	var r app.Room
	if p.Logo != nil && *p.Logo != "" {
		if _, err := readLogo(*p.Logo); err != nil {
			return r, err
		}
	}
	unlock, err := h.lockRoom(ctx, p.Ref)
	if err != nil {
		return r, err
	}
	defer unlock()
	if err := h.editPlace(ctx, p); err != nil {
		return r, err
	}
	err = h.store.Update(ctx, func(tx *store.Tx) error {
		var err error
		if r, err = findRoom(tx, p.Ref); err != nil {
			return err
		}
		was := r.RoomSettings
		p.Apply(&r.RoomSettings)
		r.Name, r.Group = roomName(r.Name), roomName(r.Group)
		h.noteAutoSince(&r, was.AutoDownload)
		if err := h.checkRoom(r); err != nil {
			return err
		}
		if r, err = h.located(tx, r); err != nil {
			return err
		}
		if r.Name == was.Name {
			return tx.PutRoom(r)
		}
		if err := putNewName(tx, r); err != nil {
			return err
		}
		return renameMeetings(tx, r)
	})
	return r, writeError(err)
}

// roomName returns the normal form of a name: without surrounding space, and composed, so that names that look the same are equal.
func roomName(name string) string { return norm.NFC.String(strings.TrimSpace(name)) }

// noteAutoSince sets since when a room's recordings are downloaded automatically. was reports whether they were before.
func (h *Hub) noteAutoSince(r *app.Room, was bool) {
	switch {
	case !r.AutoDownload:
		r.AutoSince = app.Time{}
	case !was:
		r.AutoSince = h.now()
	}
}

// lockRoom locks a room until unlock is called: no other caller can start a meeting in it, change or delete it.
func (h *Hub) lockRoom(ctx context.Context, ref string) (unlock func(), err error) {
	r, err := store.Read(ctx, h.store, func(tx *store.Tx) (app.Room, error) { return findRoom(tx, ref) })
	if err != nil {
		return nil, err
	}
	return h.locks.lock(r.ID), nil
}

func renameMeetings(tx *store.Tx, r app.Room) error {
	meetings, err := tx.RoomMeetings(r.ID)
	if err != nil {
		return err
	}
	for _, m := range meetings {
		m.Room = r.Name
		if err := tx.PutMeeting(m); err != nil {
			return err
		}
	}
	return nil
}

// DeleteRoom deletes a room that has no open or live meeting, and the platform rooms that were created for its lasting link. Its
// past meetings stay.
func (h *Hub) DeleteRoom(ctx context.Context, ref app.RoomRef) (app.Room, error) {
	var r app.Room
	unlock, err := h.lockRoom(ctx, ref.Ref)
	if err != nil {
		return r, err
	}
	defer unlock()
	idle := func(tx *store.Tx) error {
		var err error
		if r, err = findRoom(tx, ref.Ref); err != nil {
			return err
		}
		m, err := h.currentOf(tx, r.ID)
		if err != nil {
			return err
		}
		if m != nil && m.Status != app.Ended {
			return app.Errorf(provider.Conflict, "end the meeting first", "%s has a meeting that is %s", r.Name, m.Status)
		}
		return nil
	}
	if err := h.store.View(ctx, idle); err != nil {
		return r, err
	}
	if err := h.removePlaces(ctx, r); err != nil {
		return r, err
	}
	err = h.store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := idle(tx); err != nil {
			return err
		}
		return errors.Join(h.discard(tx, trashed{Kind: app.DeletedRoom, Room: &r}), tx.DeleteRoom(r))
	})
	return r, writeError(err)
}

func (h *Hub) checkRoom(r app.Room) error {
	switch {
	case r.Name == "":
		return invalid("", "a room needs a name")
	case utf8.RuneCountInString(r.Name) > maxRoomName:
		return invalid("", "a room's name can have at most %d characters", maxRoomName)
	case plain.Text(r.Name) != r.Name:
		return invalid("", "the room's name %q has unprintable characters", r.Name)
	case strings.ContainsAny(r.Name, "/\\"):
		return invalid("", "a room's name can't contain slashes")
	case strings.HasPrefix(r.Name, "-"):
		return invalid("", "a room's name can't begin with a hyphen")
	case utf8.RuneCountInString(r.Group) > maxRoomName:
		return invalid("", "a group's name can have at most %d characters", maxRoomName)
	case plain.Text(r.Group) != r.Group:
		return invalid("", "the group's name %q has unprintable characters", r.Group)
	case r.Size < 0 || r.Size > maxRoomSize:
		return invalid("use 0 for the platform's own limit", "a room's size can be from 0 to %d", maxRoomSize)
	}
	switch r.Recording {
	case provider.RecordingNone, provider.RecordingLocal, provider.RecordingCloud:
	default:
		return invalid("use none, local or cloud", "there is no recording mode %q", r.Recording)
	}
	switch r.Trigger {
	case provider.TriggerNone, provider.TriggerPrompt, provider.TriggerAutomatic, provider.TriggerAutomatic2nd:
	default:
		return invalid("use none, prompt, automatic or automatic-2nd-participant", "there is no trigger %q", r.Trigger)
	}
	if r.Link != app.LinkNew && r.Link != app.LinkLasting && r.Link != "" {
		return invalid("use new or lasting", "there is no link %q", r.Link)
	}
	if r.Account != "" && !accountName.MatchString(r.Account) {
		return invalid("accounts are named in lower case: letters, digits and hyphens", "an account can't be called %q", r.Account)
	}
	return nil
}

func putNewName(tx *store.Tx, r app.Room) error {
	if err := nameFree(tx, r); err != nil {
		return err
	}
	return tx.PutRoom(r)
}

// nameFree fails if another room has the name.
func nameFree(tx *store.Tx, r app.Room) error {
	other, exists, err := store.Found(tx.RoomByName(r.Name))
	if exists && other.ID != r.ID {
		return app.Errorf(provider.Conflict, "choose another name", "a room named %q already exists", other.Name)
	}
	return err
}

func findRoom(tx *store.Tx, ref string) (app.Room, error) {
	r, err := tx.Room(ref)
	if errors.Is(err, store.ErrNotFound) {
		r, err = tx.RoomByName(ref)
	}
	if errors.Is(err, store.ErrNotFound) {
		return roomAlike(tx, ref)
	}
	return r, err
}

// roomAlike finds the only room whose name differs from ref only in case and accents.
func roomAlike(tx *store.Tx, ref string) (app.Room, error) {
	rooms, err := tx.Rooms()
	if err != nil {
		return app.Room{}, err
	}
	all := make([]string, 0, len(rooms))
	var alike []string
	var found app.Room
	for _, r := range rooms {
		all = append(all, r.Name)
		if latin.Same(r.Name, ref) {
			found, alike = r, append(alike, strconv.Quote(plain.Text(r.Name)))
		}
	}
	switch len(alike) {
	case 0:
		return app.Room{}, noRoom(ref, all)
	case 1:
		return found, nil
	}
	return app.Room{}, app.Errorf(provider.Invalid, "write the name with its accents, or use the room's id",
		"%q names several rooms: %s", ref, strings.Join(alike, ", "))
}

// noRoom returns the error of a missing room, with the name that may have been meant. The screen refers to rooms by ids, which mean
// nothing to people.
func noRoom(ref string, names []string) error {
	if _, err := ulid.ParseStrict(ref); err == nil {
		return notFound("the room no longer exists")
	}
	return app.Errorf(provider.NotFound, nearest.Question(ref, names), "there is no room %q", ref)
}

func notFound(format string, args ...any) error {
	return app.Errorf(provider.NotFound, "", format, args...)
}

func invalid(hint, format string, args ...any) error {
	return app.Errorf(provider.Invalid, hint, format, args...)
}

// ids makes ids that sort in the order of their creation, also within a millisecond and if the clock is set back.
type ids struct {
	mu      sync.Mutex
	last    uint64
	entropy *ulid.MonotonicEntropy
}

func (i *ids) next(now time.Time) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.entropy == nil {
		i.entropy = ulid.Monotonic(rand.Reader, 0)
	}
	i.last = max(i.last, ulid.Timestamp(now))
	return strings.ToLower(ulid.MustNew(i.last, i.entropy).String())
}

// newID returns an id that sorts by the time of its creation.
func (h *Hub) newID() string { return h.ids.next(h.clock.Now()) }

// writeError returns an error of the store with a kind.
func writeError(err error) error {
	_, kind := errors.AsType[*app.Error](err)
	switch {
	case err == nil || kind:
		return err
	case errors.Is(err, store.ErrBusy):
		return &app.Error{Kind: app.Busy, Text: err.Error(), Hint: "try again in a moment", Err: err}
	case provider.KindOf(err) != "":
		return err
	}
	return &app.Error{Kind: provider.Unavailable, Text: err.Error(), Hint: diskHint(err), Err: err}
}

// diskHint returns the remedy for a file that can't be written, empty if it is unknown.
func diskHint(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "the disk is full: free some space and try again"
	case errors.Is(err, store.ErrReadOnly), errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return "give yourself write permission for the file and its folder"
	}
	return ""
}
