package bucket

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"greenroom/internal/recording"
	"greenroom/internal/stable"
	"greenroom/provider"
	"greenroom/provider/object"
)

// Recordings returns the recordings of objects that a platform wrote, in the order of their keys. Objects that aren't named like the
// platform's recordings are ignored.
//
// A bucket doesn't have the platform's ids: an ID is derived from bucket and key, and is always the same for an object. A recording that
// the platform also lists is recognised by the keys of its files. Raw tracks of one recording are one recording with the status
// "processing", since only the platform knows whether they are complete. Kinds and files are as in the platform's list.
func Recordings(names provider.Objects, objects []Object) []recording.Found {
	byKey := slices.Clone(objects)
	stable.Sort(byKey, func(a, b Object) int { return cmp.Or(cmp.Compare(a.Bucket, b.Bucket), cmp.Compare(a.Key, b.Key)) })
	// An object may be reported twice; the latest report is at the end.
	var out []recording.Found
	places := map[string]int{}
	for i, o := range byKey {
		if i+1 < len(byKey) && byKey[i+1].Bucket == o.Bucket && byKey[i+1].Key == o.Key {
			continue
		}
		n, ok := names.Read(o.Key)
		if !ok || !n.Track() && !slices.Contains(names.Wholes, strings.ToLower(n.Ext)) {
			continue
		}
		file := provider.RecordingFile{Name: path.Base(o.Key), Kind: cmp.Or(n.Media, "video"), Size: o.Size, Key: o.Key}
		r := provider.Recording{Room: n.Room, Status: "ready", Kind: "cloud", StartedAt: n.Start}
		if n.Track() {
			r.Status, r.Kind = "processing", "tracks"
		}
		r.ID = identifier(o.Bucket, object.Group(o.Key))
		at, there := places[r.ID]
		if !there {
			at = len(out)
			places[r.ID] = at
			out = append(out, recording.Found{Bucket: o.Bucket, Domain: n.Domain, Recording: r})
		}
		if o.At.After(out[at].At) {
			out[at].At = o.At
		}
		out[at].Recording.Files = append(out[at].Recording.Files, file)
	}
	return out
}

// identifier returns an id for a key in a bucket.
func identifier(bucket, key string) string {
	sum := sha256.Sum256([]byte(bucket + "/" + key))
	return "s3-" + hex.EncodeToString(sum[:10])
}
