package config

import (
	"reflect"
	"testing"
)

func TestTags(t *testing.T) {
	d, err := Parse("a: ! x\nb: '! x'\nc: x ! y\nd: !!str 1\ne: &x !t [1, !u 2]\nf: *x\n# ! no\ng: |\n  ! text\nh: !\ni: \"!\"\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Tagged{{1, "!"}, {4, "!!str"}, {5, "!t"}, {5, "!u"}, {10, "!"}}
	if got := d.Tags(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
