package boltfile

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// ErrDamaged is wrapped by the errors of a damaged file, whenever the damage is found.
var ErrDamaged = errors.New("the file is damaged")

// damageError names the damaged file, the damage and the remedy.
type damageError struct {
	kind         Kind
	path, detail string
	// stuck means that the library still holds its locks.
	stuck bool
}

func (e *damageError) Error() string {
	return fmt.Sprintf("the %s %s is damaged (%s): %s", e.kind.Name, e.path, e.detail, e.kind.Advice)
}

func (e *damageError) Is(target error) bool { return target == ErrDamaged }

// Damaged returns the error of a damaged file.
func (k Kind) Damaged(path, detail string) error {
	return &damageError{kind: k, path: path, detail: detail}
}

// Stuck reports whether the library still holds its locks after an error, so that the database can't be used or closed any more.
func Stuck(err error) bool {
	var d *damageError
	return errors.As(err, &d) && d.stuck
}

// Guard runs f, which reads a mapped file, and returns the library's panics about invalid pages and memory faults, at the file's end or a
// bad sector, as errors. Other panics pass.
func (k Kind) Guard(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	done := false
	defer func() {
		if done {
			return
		}
		if ours, stuck := ofTheFile(); ours {
			err = &damageError{kind: k, path: path, detail: reason(recover()), stuck: stuck}
		}
	}()
	err = f()
	done = true
	return err
}

func reason(v any) string {
	if _, fault := v.(interface{ Addr() uintptr }); fault {
		return "part of it is missing or unreadable"
	}
	text, _, _ := strings.Cut(fmt.Sprint(v), "\n")
	return strings.TrimPrefix(text, "assertion failed: ")
}

// ofTheFile reports whether the current panic is the library's or a fault, and whether the library still holds a lock.
func ofTheFile() (ours, stuck bool) {
	var pcs [128]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	panicking, first := false, true
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		switch name := frame.Function; {
		case name == "runtime.gopanic":
			panicking = true
		case panicking && name == "runtime.panicmemAddr":
			ours = true // a fault at an address other than nil
		case !panicking || strings.HasPrefix(name, "runtime."):
		default:
			ours = ours || first && strings.HasPrefix(name, library)
			stuck = stuck || strings.HasPrefix(name, library+".(*DB).begin") || name == library+".(*Tx).rollback"
			first = false
		}
	}
	return ours, ours && stuck
}

const library = "go.etcd.io/bbolt"
