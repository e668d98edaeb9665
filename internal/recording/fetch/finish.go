package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"greenroom/internal/recording"
	"greenroom/internal/regular"
)

// errNoRename means that the file system can't rename without replacing.
var errNoRename = errors.New("renaming without replacing is not supported")

// namesMost limits the names that are tried.
const namesMost = 1000

// finish compares the complete file on disk with what arrived and with the source's checksum, has it checked, and renames it.
func (f *fetch) finish(ctx context.Context, id recording.Identity) (File, error) {
	if err := f.part.disk.sync(f.part.File); err != nil {
		return File{}, disk("sync the part file", err)
	}
	size, err := f.part.size()
	if err != nil {
		return File{}, err
	}
	if id.Size >= 0 && size != id.Size {
		return File{}, &restart{"the part file has the wrong size", io.ErrUnexpectedEOF}
	}
	f.meter.begin(size, size)
	f.meter.state(recording.Verifying, "")
	got, err := sumOf(ctx, io.NewSectionReader(f.part, 0, size), id.Algorithm, f.progress.Chunk)
	if ctx.Err() != nil {
		return File{}, context.Cause(ctx)
	} else if err != nil {
		return File{}, disk("read the part file", err)
	}
	compared, err := f.compare(ctx, got)
	if err != nil {
		return File{}, err
	}
	checked := got.own != "" && id.Checksum != ""
	if checked && got.own != id.Checksum {
		return File{}, f.again(ctx, fmt.Errorf("%w (%s)", ErrChecksum, id.Algorithm))
	}
	if f.task.Check != nil {
		if err := f.task.Check(ctx, f.part.path()); ctx.Err() != nil {
			return File{}, context.Cause(ctx)
		} else if err != nil && id.Size < 0 {
			return File{}, f.again(ctx, err) // the connection may have broken unnoticed
		} else if err != nil {
			return File{}, errors.Join(err, f.forget(ctx))
		}
	}
	return f.place(ctx, File{Size: size, SHA256: got.sha256, Identity: id, Checked: checked, Compared: compared})
}

// compare compares the file as it was read back with what arrived, and removes the marks of chunks that differ. known reports whether
// the whole file could be compared.
func (f *fetch) compare(ctx context.Context, got sums) (known bool, err error) {
	if f.progress.Chunk == 0 {
		if got.sha256 != f.streamed {
			return false, &misread{1}
		}
		return true, nil
	}
	bad, known := f.progress.spoiled(got.chunks)
	if len(bad) == 0 {
		return known, nil
	}
	f.progress.drop(bad)
	if err := f.save(ctx); err != nil {
		return false, err
	}
	return false, &misread{len(bad)}
}

// again restarts the file after a bad copy, and fails after a second one.
func (f *fetch) again(ctx context.Context, err error) error {
	if f.unlike {
		return errors.Join(err, f.forget(ctx))
	}
	f.unlike = true
	return &restart{reason(err), err}
}

// place gives the file the first free name. The journal has the name first, so that the file is found if the process is killed in
// between.
func (f *fetch) place(ctx context.Context, r File) (File, error) {
	base := path.Base(f.task.Name)
	if f.task.Named != nil {
		base = f.task.Named(base)
	}
	if err := checkName(base); err != nil || path.Base(base) != base {
		return File{}, errors.Join(ErrName, err)
	}
	for n := 1; n <= namesMost; n++ {
		name := numbered(base, n)
		r.Path = f.in.join(name)
		info, err := f.in.root.Lstat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return File{}, fmt.Errorf("look for %s: %w", r.Path, err)
		default:
			same, err := info.Mode().IsRegular() && info.Size() == r.Size, error(nil)
			if same {
				same, err = f.holds(ctx, name, r.SHA256)
			}
			if err != nil {
				return File{}, err
			}
			if !same {
				if done, err := f.replace(ctx, name, info, r); done || err != nil {
					return r, err
				}
				continue
			}
			if err := f.settle(ctx, r); err != nil {
				return File{}, err
			}
			return r, f.part.remove()
		}
		if err := f.settle(ctx, r); err != nil {
			return File{}, err
		}
		if err := f.d.disk.rename(f.in, f.part.name, name); errors.Is(err, fs.ErrExist) {
			continue // another program was faster
		} else if err != nil {
			return File{}, disk("give the file its name", err)
		}
		return r, f.syncFolder()
	}
	return File{}, fmt.Errorf("give the file its name: %s and %d names like it are taken", f.in.join(base), namesMost-1)
}

// replace replaces the file of a name with the new one if it is one of the task's broken files. It reports whether it did.
func (f *fetch) replace(ctx context.Context, name string, there fs.FileInfo, r File) (bool, error) {
	if !there.Mode().IsRegular() || len(f.task.Replaces) == 0 {
		return false, nil
	}
	broken, err := f.holds(ctx, name, f.task.Replaces...)
	if err != nil || !broken {
		return false, err
	}
	if err := f.settle(ctx, r); err != nil {
		return false, err
	}
	if err := f.in.root.Rename(f.part.name, name); err != nil {
		return false, disk("replace the broken file", err)
	}
	return true, f.syncFolder()
}

// settle saves the final name and checksum.
func (f *fetch) settle(ctx context.Context, r File) error {
	f.progress.Final, f.progress.SHA256, f.progress.Checked, f.progress.Compared = r.Path, r.SHA256, r.Checked, r.Compared
	return f.save(ctx)
}

// holds reports whether the file of a name in the folder has one of the checksums.
func (f *fetch) holds(ctx context.Context, name string, sha256 ...string) (bool, error) {
	file, err := regular.With(f.in.root.OpenFile, name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, regular.ErrNotRegular) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("compare with %s: %w", f.in.join(name), err)
	}
	defer file.Close()
	got, err := sumOf(ctx, file, "", 0)
	if err != nil {
		return false, fmt.Errorf("compare with %s: %w", f.in.join(name), err)
	}
	return slices.Contains(sha256, got.sha256), nil
}

// finished returns the file if an earlier call has already renamed it. A file that it can't confirm is fetched again, unless the part
// file still exists. Early versions could rename a file although a chunk had no mark: such a file becomes a part file again.
func (f *fetch) finished(ctx context.Context) (File, bool, error) {
	p := f.progress
	if p.Final == "" {
		return File{}, false, nil
	}
	f.progress.Final, f.progress.SHA256, f.progress.Checked, f.progress.Compared = "", "", false, false
	name := filepath.Base(p.Final)
	if f.in.join(name) != p.Final {
		return File{}, false, nil
	}
	if _, err := f.in.root.Lstat(filepath.Base(p.Part)); err == nil {
		return File{}, false, nil
	}
	info, err := f.in.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return File{}, false, nil
	}
	f.meter.begin(info.Size(), info.Size())
	f.meter.state(recording.Verifying, "")
	same, err := f.holds(ctx, name, p.SHA256)
	if err != nil || !same {
		f.meter.state(recording.Running, "")
		return File{}, false, err
	}
	if !p.whole(info.Size()) {
		f.meter.state(recording.Running, "")
		if err := f.d.disk.rename(f.in, name, filepath.Base(p.Part)); err != nil {
			return File{}, false, disk("take the file back", err)
		}
		return File{}, false, f.syncFolder()
	}
	if err := f.syncFolder(); err != nil {
		return File{}, false, err
	}
	return File{
		Path: p.Final, Size: info.Size(), SHA256: p.SHA256, Identity: p.Identity, Checked: p.Checked, Compared: p.Compared,
	}, true, nil
}

// rename renames a file in the folder without replacing another one, in the best way that the file system supports.
func (f *folder) rename(from, to string) error {
	if err := renameNew(f, from, to); !errors.Is(err, errNoRename) {
		return err
	}
	return f.link(from, to)
}

// link is rename for file systems that can't promise it: linking never replaces a file.
func (f *folder) link(from, to string) error {
	err := f.root.Link(from, to)
	if err == nil {
		return f.root.Remove(from)
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	// Without links, a file that another program creates between the check and the rename would be replaced.
	if _, err := f.root.Lstat(to); err == nil {
		return fs.ErrExist
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.root.Rename(from, to)
}
