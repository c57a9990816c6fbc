package report

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// maxFolders is how many folders of a namespace are looked through.
const maxFolders = 10_000

// depth of an object's folder below that of its namespace: year, month, day, the object.
const depth = 4

// Folders are the folders of the objects of a namespace, in order, each with the slash at its end.
func Folders(source Source, namespace string) ([]string, error) {
	level := []string{namespace + "/"}
	for range depth {
		var below []string
		for _, folder := range level {
			names, err := source.Names(folder)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("look through folder %s: %w", folder, err)
			}
			for _, name := range slices.Sorted(slices.Values(names)) {
				if len(below) == maxFolders {
					return nil, fmt.Errorf("folder %s/ has more than %d folders; copy only those of the incident and its rollbacks, with their paths, and name that copy", namespace, maxFolders)
				}
				below = append(below, folder+name+"/")
			}
		}
		level = below
	}
	return slices.DeleteFunc(level, func(folder string) bool { return strings.HasPrefix(folder, namespace+"/forgotten/") }), nil
}

// Find are the folders of the objects of a name, or of that name themselves, in order: of an object that was made again there are several.
func Find(source Source, namespace, name string) ([]string, error) {
	folders, err := Folders(source, namespace)
	return slices.DeleteFunc(folders, func(folder string) bool {
		_, last, _ := cutLast(strings.TrimSuffix(folder, "/"), "/")
		object, uid, found := cutLast(last, "-")
		return last != name && (object != name || !found || len(uid) != 8)
	}), err
}

func cutLast(text, at string) (before, after string, found bool) {
	i := strings.LastIndex(text, at)
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+len(at):], true
}

func sortedKeys[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }
