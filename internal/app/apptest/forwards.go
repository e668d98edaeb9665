package apptest

import (
	"context"
	"slices"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Forwards lists the forwards that were made.
func (m *Memory) Forwards(ctx context.Context, _ app.ForwardQuery) ([]app.Forward, error) {
	if err := m.begin(ctx, "Forwards"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	return append([]app.Forward{}, m.forwards...), nil
}

// SetForward keeps the forward; nothing is sent.
func (m *Memory) SetForward(ctx context.Context, f app.ForwardSpec) (app.Forward, error) {
	if err := m.begin(ctx, "SetForward"); err != nil {
		return app.Forward{}, err
	}
	defer m.Unlock()
	return m.setForward(f, func(had app.Forward) bool { return had.Name == f.Name && had.URL == f.URL })
}

func (m *Memory) setForward(f app.ForwardSpec, same func(app.Forward) bool) (app.Forward, error) {
	u, err := app.ForwardURL(f.URL)
	if err != nil {
		return app.Forward{}, app.Errorf(provider.Invalid, err.Error(), "the forward's URL can't be used")
	}
	made := app.Forward{
		Name: f.Name, URL: u.Redacted(), Filter: f.Filter, Resign: f.Resign != "", Insecure: f.Insecure, CA: f.CA != "", Source: f.Source,
		State: app.ForwardRunning, Parked: []uint64{},
	}
	if f.Source == app.ForwardByRun && f.Lease <= 0 {
		made.State = app.ForwardPaused
	}
	if i := slices.IndexFunc(m.forwards, same); i >= 0 {
		m.forwards[i] = made
		return made, nil
	}
	m.forwards = append(m.forwards, made)
	slices.SortFunc(m.forwards, func(a, b app.Forward) int { return strings.Compare(a.Name, b.Name) })
	return made, nil
}

// AddForward keeps a forward of a new name.
func (m *Memory) AddForward(ctx context.Context, f app.ForwardSpec) (app.Forward, error) {
	if err := m.begin(ctx, "AddForward"); err != nil {
		return app.Forward{}, err
	}
	defer m.Unlock()
	if err := app.CheckForwardName(f.Name); err != nil {
		return app.Forward{}, app.Errorf(provider.Invalid, err.Error(), "the name can't be used")
	}
	if m.forward(f.Name) != nil {
		return app.Forward{}, app.Errorf(provider.Conflict, "", "there is a forward of that name")
	}
	return m.setForward(f, func(app.Forward) bool { return false })
}

func (m *Memory) forward(name string) *app.Forward {
	if i := slices.IndexFunc(m.forwards, func(f app.Forward) bool { return f.Name == name }); i >= 0 {
		return &m.forwards[i]
	}
	return nil
}

// EditForward changes a forward.
func (m *Memory) EditForward(ctx context.Context, p app.ForwardPatch) (app.Forward, error) {
	if err := m.begin(ctx, "EditForward"); err != nil {
		return app.Forward{}, err
	}
	defer m.Unlock()
	f := m.forward(p.Name)
	if f == nil {
		return app.Forward{}, app.Errorf(provider.NotFound, "", "there is no forward of that name")
	}
	app.Set(&f.URL, p.URL)
	app.Set(&f.Filter, p.Filter)
	if p.Resign != nil {
		f.Resign = *p.Resign != ""
	}
	if p.Paused != nil {
		f.State = app.ForwardRunning
		if *p.Paused {
			f.State = app.ForwardPaused
		}
	}
	return *f, nil
}

// RemoveForward removes a forward.
func (m *Memory) RemoveForward(ctx context.Context, ref app.ForwardRef) (app.Forward, error) {
	if err := m.begin(ctx, "RemoveForward"); err != nil {
		return app.Forward{}, err
	}
	defer m.Unlock()
	f := m.forward(ref.Name)
	if f == nil {
		return app.Forward{}, app.Errorf(provider.NotFound, "", "there is no forward of that name")
	}
	gone := *f
	m.forwards = slices.DeleteFunc(m.forwards, func(f app.Forward) bool { return f.Name == ref.Name })
	m.undos = append(m.undos, func() app.Undone {
		back := gone
		back.Name = freeWord(gone.Name, func(name string) bool { return m.forward(name) == nil })
		m.forwards = append(m.forwards, back)
		return app.Undone{Kind: app.DeletedForward, Name: back.Name, Forward: &back}
	})
	return gone, nil
}

// KeepForward lists a forward in the given state.
func (m *Memory) KeepForward(f app.Forward) {
	m.Lock()
	defer m.Unlock()
	m.forwards = append(m.forwards, f)
}
