package catalog

import (
	"cmp"
	"slices"

	"greenroom/internal/app"
	"greenroom/internal/stable"
	"greenroom/provider"
)

// withSizes returns files with the known sizes for those without one.
func withSizes(files, known []provider.RecordingFile) []provider.RecordingFile {
	out := slices.Clone(files)
	for i := range out {
		if f := fileOf(known, out[i].Key); f != nil && out[i].Size == 0 {
			out[i].Size = f.Size
		}
	}
	return out
}

// withObjects adds a bucket's objects to a recording's files. The platform's list of files is authoritative once it exists; it
// lacks only the sizes.
func withObjects(r app.Recording, objects []provider.RecordingFile) []provider.RecordingFile {
	out := slices.Clone(r.Files)
	for _, o := range objects {
		if f := fileOf(out, o.Key); f != nil {
			f.Size = max(f.Size, o.Size)
		} else if r.FromBucket {
			out = append(out, o)
		}
	}
	if r.FromBucket {
		stable.Sort(out, func(a, b provider.RecordingFile) int { return cmp.Compare(a.Key, b.Key) })
	}
	return out
}

// namesMore reports whether the platform lists unknown files or keys.
func namesMore(r provider.Recording, known app.Recording) bool {
	return len(known.Files) < len(r.Files) || slices.ContainsFunc(r.Files, func(f provider.RecordingFile) bool {
		return f.Key != "" && fileOf(known.Files, f.Key) == nil
	})
}

func fileOf(files []provider.RecordingFile, key string) *provider.RecordingFile {
	for i := range files {
		if key != "" && files[i].Key == key {
			return &files[i]
		}
	}
	return nil
}
