package signals

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFill(t *testing.T) {
	for expr, want := range map[string]string{
		`max(loss)`:                       `max(loss)`,
		`max(loss{schedule=~$schedule})`:  `max(loss{schedule=~"fast\\.a"})`,
		`x{a=~$strategy,b!~ $schedule}`:   `x{a=~".*",b!~ "fast\\.a"}`,
		`x{a=~"^b$",c=~$schedule}`:        `x{a=~"^b$",c=~"fast\\.a"}`,
		"x{a='$schedule'} # of $schedule": "x{a='$schedule'} # of $schedule",
		"x{a=~`\\`,b=~$schedule}":         "x{a=~`\\`,b=~\"fast\\\\.a\"}",
		`x{a="\"",b=~$schedule}`:          `x{a="\"",b=~"fast\\.a"}`,
		`x{a=~$schedules}`:                `x{a=~$schedules}`,
	} {
		if got := Fill(expr, "fast.a", ""); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
}

// Whatever a schedule is called, the query asks for it and for no other, and its name ends no string.
func TestAFilledQueryAsksForOneName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 20, -1).Draw(t, "name")
		filled := strings.TrimSuffix(strings.TrimPrefix(Fill("x{a=~$schedule}", name, ""), "x{a=~"), "}")
		text, err := strconv.Unquote(filled)
		if err != nil {
			t.Fatalf("%q became %s: %v", name, filled, err)
		}
		if !regexp.MustCompile("^(?s:"+text+")$").MatchString(name) || regexp.MustCompile("^(?s:"+text+")$").MatchString(name+"x") {
			t.Fatalf("%q became %s", name, filled)
		}
		if parts := partsOf(filled); len(parts) != 1 || !parts[0].literal {
			t.Fatalf("%q became %d parts: %s", name, len(parts), filled)
		}
	})
}

func TestCheckQuery(t *testing.T) {
	for expr, says := range map[string]string{
		`max(loss)`:                             "",
		`max(loss{s=~$schedule,t!~ $strategy})`: "",
		`x{a=~"b$"} # $x`:                       "",
		`x{a="$1"}`:                             "",
		`x{a="$schedule"}`:                      "inside of a string",
		`x{a=$schedule}`:                        "stands for a regular expression; write label=~$schedule",
		`$schedule`:                             "stands for a regular expression",
		`x{a=~$schedules}`:                      "it has no variable $schedules; there are $schedule and $strategy",
		`x{a=~$}`:                               "it has no variable $;",
		`x{a=~"=~" $strategy}`:                  "stands for a regular expression",
	} {
		err := CheckQuery(expr)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, not %q", expr, err, says)
		}
	}
}
