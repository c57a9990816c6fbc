package gitserver_test

import (
	"testing"

	"tradeops.dev/strategy-operator/test/gitserver"
)

func TestCarolsCommits(t *testing.T) {
	r := gitserver.New(t, map[string]string{"a/one": "1\n", "two": "2\n"})
	r.Put("main", "a/one", "one\n", "say it")
	r.Git("branch", "ops/less", "main")
	r.Put("ops/less", "two", "less\n", "less")
	if r.Show("main", "two") != "2\n" || r.Show("main", "a/one") != "one\n" {
		t.Errorf("main has %q and %q", r.Show("main", "a/one"), r.Show("main", "two"))
	}
	r.Put("main", "three", "3\n", "meanwhile")
	r.Merge("ops/less")
	r.Remove("main", "a/one", "over")
	if files := r.Git("ls-tree", "-r", "--name-only", "main"); files != "three\ntwo" || r.Show("main", "two") != "less\n" {
		t.Errorf("main has %s, and in it %q", files, r.Show("main", "two"))
	}
	if log := r.Git("log", "--first-parent", "--format=%s", "main"); log != "over\nMerge branch ops/less\nmeanwhile\nsay it\nbegin" {
		t.Errorf("its log is\n%s", log)
	}
	if branches := r.Git("branch", "--format=%(refname:short)"); branches != "main\nops/less" {
		t.Errorf("branches %s", branches)
	}
}
