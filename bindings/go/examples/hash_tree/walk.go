package main

import (
	"os"
	"sort"
	"strings"
)

// walk gives the regular files below a directory, in the order of their paths' bytes.
type walk struct {
	levels   []level
	complain func(string, error)
}

// level is what is left of a directory, the last first; directories end in a slash.
type level struct {
	prefix string
	names  []string
}

func newWalk(root string, complain func(string, error)) *walk {
	w := &walk{complain: complain}
	info, err := os.Lstat(root)
	switch {
	case err != nil:
		complain(root, err)
	case info.Mode().IsRegular():
		w.levels = []level{{"", []string{root}}}
	case info.IsDir():
		prefix := root
		if !strings.HasSuffix(prefix, "/") {
			prefix += "/"
		}
		w.enter(root, prefix)
	}
	return w
}

func (w *walk) enter(directory, prefix string) {
	entries, err := os.ReadDir(directory)
	if err != nil {
		w.complain(directory, err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name()+"/")
		} else if entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
	}
	sort.Sort(sort.Reverse(sort.StringSlice(names)))
	w.levels = append(w.levels, level{prefix, names})
}

func (w *walk) next() (string, bool) {
	for len(w.levels) > 0 {
		top := &w.levels[len(w.levels)-1]
		if len(top.names) == 0 {
			w.levels = w.levels[:len(w.levels)-1]
			continue
		}
		path := top.prefix + top.names[len(top.names)-1]
		top.names = top.names[:len(top.names)-1]
		if !strings.HasSuffix(path, "/") {
			return path, true
		}
		w.enter(strings.TrimSuffix(path, "/"), path)
	}
	return "", false
}
