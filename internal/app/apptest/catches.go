package apptest

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"greenroom/internal/app"
	"greenroom/provider"
)

// Catches lists the catches that were made.
func (m *Memory) Catches(ctx context.Context, _ app.CatchQuery) ([]app.Catch, error) {
	if err := m.begin(ctx, "Catches"); err != nil {
		return nil, err
	}
	defer m.Unlock()
	return append([]app.Catch{}, m.catches...), nil
}

// CreateCatch keeps a catch; nothing is caught.
func (m *Memory) CreateCatch(ctx context.Context, c app.CatchSpec) (app.Catch, error) {
	if err := m.begin(ctx, "CreateCatch"); err != nil {
		return app.Catch{}, err
	}
	defer m.Unlock()
	if slices.ContainsFunc(m.catches, func(had app.Catch) bool { return had.Name == c.Name }) {
		return app.Catch{}, app.Errorf(provider.Conflict, "", "there is a catch of that name")
	}
	made := app.Catch{Name: c.Name, Scheme: c.Scheme, Path: app.CatchPath + c.Name + "-token", Respond: "200 ok"}
	m.catches = append(m.catches, made)
	slices.SortFunc(m.catches, func(a, b app.Catch) int { return strings.Compare(a.Name, b.Name) })
	return made, nil
}

// freeWord returns a free name, with a suffix if necessary.
func freeWord(name string, free func(string) bool) string {
	next := name
	for n := 2; !free(next); n++ {
		next = name + "-" + strconv.Itoa(n)
	}
	return next
}

// RemoveCatch removes a catch.
func (m *Memory) RemoveCatch(ctx context.Context, ref app.CatchRef) (app.Catch, error) {
	if err := m.begin(ctx, "RemoveCatch"); err != nil {
		return app.Catch{}, err
	}
	defer m.Unlock()
	i := slices.IndexFunc(m.catches, func(had app.Catch) bool { return had.Name == ref.Name })
	if i < 0 {
		return app.Catch{}, app.Errorf(provider.NotFound, "", "there is no catch of that name")
	}
	gone := m.catches[i]
	m.catches = slices.Delete(m.catches, i, i+1)
	m.undos = append(m.undos, func() app.Undone {
		back := gone
		back.Name = freeWord(gone.Name, func(name string) bool {
			return !slices.ContainsFunc(m.catches, func(had app.Catch) bool { return had.Name == name })
		})
		m.catches = append(m.catches, back)
		return app.Undone{Kind: app.DeletedCatch, Name: back.Name, Catch: &back}
	})
	return gone, nil
}
