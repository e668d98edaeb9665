package apptest_test

import (
	"testing"

	"greenroom/internal/app/apptest"
)

func TestMemory(t *testing.T) {
	apptest.Run(t, func(*testing.T) apptest.Harness {
		return apptest.Harness{Backend: apptest.NewMemory(64), Account: "memory", Meetings: true}
	})
}
