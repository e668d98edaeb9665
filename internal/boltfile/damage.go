package boltfile

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// ErrDamaged is in the errors of a file that can't be read, whenever that is found.
var ErrDamaged = errors.New("the file is damaged")

// damageError says which file is damaged, how, and what to do.
type damageError struct {
	kind         Kind
	path, detail string
	// stuck says that the library was left with its locks held.
	stuck bool
}

func (e *damageError) Error() string {
	return fmt.Sprintf("the %s %s is damaged (%s): %s", e.kind.Name, e.path, e.detail, e.kind.Advice)
}

func (e *damageError) Is(target error) bool { return target == ErrDamaged }

// Damaged is the error of a damaged file.
func (k Kind) Damaged(path, detail string) error {
	return &damageError{kind: k, path: path, detail: detail}
}

// Stuck reports whether damage left the library with its locks held: the database can't be used or closed any more.
func Stuck(err error) bool {
	var d *damageError
	return errors.As(err, &d) && d.stuck
}

// Guard runs f, which reads a mapped file. The library panics where a page isn't what it must be, and reading beyond the
// file's end or a bad sector is a fault: both become an error. Panics of other code pass.
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

// ofTheFile reports whether the panic under way is the library's or a fault, and whether it left a lock of the library held.
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
