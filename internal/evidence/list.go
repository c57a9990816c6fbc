package evidence

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// firstKeys are the first ones of those behind a key, of all that are seen in any order. It holds twice as many as are asked for at most.
type firstKeys struct {
	after string
	most  int
	found []Object
	last  string // none behind it is asked for; empty: not known yet
}

// mayBeIn says whether something in a folder may be asked for. "0" is what follows the slash among characters.
func (f *firstKeys) mayBeIn(folder string) bool {
	return path.Base(folder)[0] != '.' && f.after < folder+"0" && (f.last == "" || folder+"/" < f.last)
}

func (f *firstKeys) see(key string, bytes int64) {
	if key <= f.after || f.last != "" && key > f.last || path.Base(key)[0] == '.' {
		return
	}
	f.found = append(f.found, Object{key, bytes})
	if len(f.found) >= 2*f.most {
		f.found = f.sorted()
		f.last = f.found[len(f.found)-1].Key
	}
}

func (f *firstKeys) sorted() []Object {
	slices.SortFunc(f.found, func(a, b Object) int { return cmp.Compare(a.Key, b.Key) })
	return f.found[:min(f.most, len(f.found))]
}

// FolderOf is the folder of the incident or rollback that a key is of, as Prefix has it, without the slash at its end; empty if it is of none.
func FolderOf(key string) string {
	parts := strings.SplitN(key, "/", 6)
	if len(parts) < 6 {
		return ""
	}
	return strings.Join(parts[:5], "/")
}

// IsFolderOf says whether a folder is that of an object of this name, as Prefix has it.
func IsFolderOf(folder, name string) bool {
	uid, ours := strings.CutPrefix(path.Base(folder), name[:min(len(name), maxFolder)]+"-")
	return ours && uid != "" && len(uid) <= 8 && !strings.Contains(uid, "-")
}
