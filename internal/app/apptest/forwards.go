package apptest

import (
	"context"

	"greenroom/internal/app"
)

// Forwards lists what SetForward made.
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
	made := app.Forward{Name: f.Name, URL: f.URL, Source: f.Source, State: app.ForwardRunning, Parked: []uint64{}}
	if f.Source == app.ForwardByRun && f.Lease <= 0 {
		made.State = app.ForwardPaused
	}
	for i, had := range m.forwards {
		if had.Name == f.Name && had.URL == f.URL {
			m.forwards[i] = made
			return made, nil
		}
	}
	m.forwards = append(m.forwards, made)
	return made, nil
}
