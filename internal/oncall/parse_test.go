package oncall

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEverythingWrongIsTold(t *testing.T) {
	const people = `timeZone: Europe/Warsaw
people: [{name: alice, contact: a}, {name: bob, contact: b}]
`
	rotation := func(fields string) string {
		return people + "rotations:\n- {level: L1, start: \"2026-11-02 09:00\", shift: 1w, members: [alice]" + fields + "}\n"
	}
	window := func(fields string) string { return rotation(`, windows: [{` + fields + `}]`) }
	override := func(fields string) string { return rotation("") + "overrides:\n- {" + fields + "}\n" }

	cases := map[string]struct{ text, want string }{
		"an empty file":        {"", "the file is empty; write timeZone, people and rotations"},
		"only a comment":       {"# later\n", "the file is empty; write timeZone, people and rotations"},
		"null":                 {"---\n", "the file is empty; write timeZone, people and rotations"},
		"a text":               {"alice", `line 1: the text "alice" stands where the fields timeZone, people, rotations, overrides belong`},
		"not YAML":             {"timeZone: [", "line 1: it is not valid YAML: did not find expected node content"},
		"not a text at all":    {"\x00", "it is not valid YAML: control characters are not allowed"},
		"a second document":    {rotation("") + "---\na: b\n", "line 5: a second YAML document begins; keep one"},
		"a second, broken one": {rotation("") + "---\n[", "line 6: it is not valid YAML: did not find expected node content"},
		"too large":            {strings.Repeat("#", 65537), "the file has 65537 bytes, more than 65536; remove overrides of the past"},

		"nothing but an unknown field": {"zone: x", `line 1: there is no field "zone"; the fields are timeZone, people, rotations, overrides
line 1: timeZone is missing
line 1: people is missing
line 1: rotations is missing`},
		"a field twice":      {rotation("") + "timeZone: UTC\n", "line 5: the field timeZone stands twice, first with the value in line 1; keep one"},
		"a field of a list":  {rotation("") + "? [a]\n: b\n", `line 5: there is no field ""; the fields are timeZone, people, rotations, overrides`},
		"a merge":            {people + "rotations:\n- &a {level: L1, start: \"2026-11-02 09:00\", shift: 1w, members: [alice]}\n- {<<: *a}\n", "line 5: rotations[1]: there is no field \"<<\"; the fields are level, start, shift, hours, members, windows\nline 5: rotations[1]: level is missing\nline 5: rotations[1]: start is missing\nline 5: rotations[1]: shift is missing\nline 5: rotations[1]: members is missing"},
		"an alias":           {people + "rotations:\n- &a {level: L1, start: \"2026-11-02 09:00\", shift: 1w, members: [alice]}\n- *a\n", "line 5: rotations[1]: an alias (*a, which is not read here; write the value out) stands where the fields level, start, shift, hours, members, windows belong"},
		"no value":           {strings.Replace(rotation(""), "Europe/Warsaw", "", 1), "line 1: timeZone has no value"},
		"a list for a text":  {strings.Replace(rotation(""), "Europe/Warsaw", "[Europe/Warsaw]", 1), "line 1: timeZone is a list, not a text"},
		"an unknown zone":    {strings.Replace(rotation(""), "Europe/Warsaw", "Europe/Radom", 1), `line 1: timeZone "Europe/Radom" is not known; write a name such as Europe/Warsaw`},
		"the operator's own": {strings.Replace(rotation(""), "Europe/Warsaw", "Local", 1), `line 1: timeZone "Local" is not known; write a name such as Europe/Warsaw`},
		"a zone outside":     {strings.Replace(rotation(""), "Europe/Warsaw", "../../etc/passwd", 1), `line 1: timeZone "../../etc/passwd" is not known; write a name such as Europe/Warsaw`},

		"no people":                   {"timeZone: UTC\npeople: []\nrotations: []\n", "line 2: people has no entries; add one, or remove the field if it is optional\nline 3: rotations has no entries; add one, or remove the field if it is optional"},
		"people as a text":            {"timeZone: UTC\npeople: alice\nrotations: {}\n", "line 2: people is the text \"alice\", not a list\nline 3: rotations is a set of fields, not a list"},
		"too many people":             {"timeZone: UTC\npeople: [" + strings.Repeat("{name: a, contact: b},", 201) + "]\nrotations: [{level: L1, start: \"2026-11-02 09:00\", shift: 1w, members: [a]}]\n", "line 2: people has 201 entries, more than 200; remove some"},
		"a person that is a name":     {strings.Replace(rotation(""), "{name: bob, contact: b}", "bob", 1), `line 2: people[1]: the text "bob" stands where the fields name, contact belong`},
		"a person without contact":    {strings.Replace(rotation(""), ", contact: b", "", 1), "line 2: people[1] (bob): contact is missing"},
		"a person without name":       {strings.Replace(rotation(""), "name: bob, ", "", 1), "line 2: people[1]: name is missing"},
		"a person with a phone":       {strings.Replace(rotation(""), "contact: b}", "contact: b, phone: 1}", 1), `line 2: people[1]: there is no field "phone"; the fields are name, contact`},
		"a person twice":              {strings.Replace(rotation(""), "name: bob", "name: alice", 1), "line 2: people[1] (alice): the name stands twice; keep one, or tell them apart"},
		"a person called nobody":      {strings.Replace(rotation(""), "name: bob", "name: nobody", 1), "line 2: people[1] (nobody): nobody means that nobody is on call; use another name"},
		"a name that is too long":     {strings.Replace(rotation(""), "name: bob", "name: "+strings.Repeat("b", 64), 1), "line 2: people[1]: name has 64 bytes, more than 63; shorten it"},
		"a contact that is too long":  {strings.Replace(rotation(""), "contact: b", "contact: "+strings.Repeat("b", 257), 1), "line 2: people[1] (bob): contact has 257 bytes, more than 256; shorten it"},
		"a contact that is a program": {strings.Replace(rotation(""), "contact: b", `contact: "\e[2J"`, 1), `line 2: people[1] (bob): contact "\x1b[2J" holds the character U+001B, which is not shown; remove it`},
		"a contact that reads back":   {strings.Replace(rotation(""), "contact: b", `contact: "a\u202Eb"`, 1), `line 2: people[1] (bob): contact "a\u202eb" holds the character U+202E, which is not shown; remove it`},
		"a name that ends in a space": {strings.Replace(rotation(""), "name: bob", `name: "bob "`, 1), `line 2: people[1]: name "bob " begins or ends with a space; remove it`},

		"a rotation that is a text": {people + "rotations: [L1]\n", `line 3: rotations[0]: the text "L1" stands where the fields level, start, shift, hours, members, windows belong`},
		"too many rotations":        {people + "rotations: [1, 2, 3, 4]\n", "line 3: rotations has 4 entries, more than 3; remove some"},
		"a level that is not there": {strings.Replace(rotation(""), "L1", "L3", 1), `line 4: rotations[0]: level "L3" is not one of L1, L2, TechLead`},
		"a level twice":             {rotation("") + "- {level: L1, start: \"2026-11-02 09:00\", shift: 1w, members: [bob]}\n", "line 5: rotations[1] (L1): L1 has a rotation already, rotations[0]; keep one"},
		"a start that is a date":    {strings.Replace(rotation(""), "2026-11-02 09:00", "2026-11-02", 1), `line 4: rotations[0] (L1): start "2026-11-02" is not a date and time such as "2026-11-02 09:00"`},
		"a start of one digit":      {strings.Replace(rotation(""), "09:00", "9:00", 1), `line 4: rotations[0] (L1): start "2026-11-02 9:00" is not a date and time such as "2026-11-02 09:00"`},
		"a start on 30 February":    {strings.Replace(rotation(""), "2026-11-02", "2026-02-30", 1), `line 4: rotations[0] (L1): start "2026-02-30 09:00" is not a date and time such as "2026-11-02 09:00"`},
		"a start in the year 206":   {strings.Replace(rotation(""), "2026-11-02", "0206-11-02", 1), `line 4: rotations[0] (L1): start "0206-11-02 09:00" is not in the years 2000 to 2199; correct it`},
		"a shift without unit":      {strings.Replace(rotation(""), "1w", "12", 1), `line 4: rotations[0] (L1): shift "12" is not a number of hours, days or weeks such as 12h, 1d or 1w`},
		"a shift of nothing":        {strings.Replace(rotation(""), "1w", "0h", 1), `line 4: rotations[0] (L1): shift "0h" is not a number of hours, days or weeks such as 12h, 1d or 1w`},
		"hours of no kind":          {strings.Replace(rotation(""), "1w", "12h, hours: wall", 1), `line 4: rotations[0] (L1): hours "wall" is not Clock or Elapsed`},
		"hours that are a list":     {strings.Replace(rotation(""), "1w", "12h, hours: [Clock]", 1), `line 4: rotations[0] (L1): hours is a list, not a text`},
		"hours without a value":     {strings.Replace(rotation(""), "1w", "12h, hours: ", 1), `line 4: rotations[0] (L1): hours has no value`},
		"hours of a shift of weeks": {strings.Replace(rotation(""), "1w", "1w, hours: Clock", 1), `line 4: rotations[0] (L1): hours says how the hours of a shift are counted, and 1w has none; remove it`},
		"a shift of years":          {strings.Replace(rotation(""), "1w", "53w", 1), `line 4: rotations[0] (L1): shift 53w is longer than 366d; shorten it`},
		"no members":                {strings.Replace(rotation(""), "[alice]", "[]", 1), "line 4: rotations[0] (L1): members has no entries; add one, or remove the field if it is optional"},
		"too many members":          {strings.Replace(rotation(""), "[alice]", "["+strings.Repeat("alice,", 51)+"]", 1), "line 4: rotations[0] (L1): members has 51 entries, more than 50; remove some"},
		"an unknown member":         {strings.Replace(rotation(""), "[alice]", "[alice, Bob]", 1), `line 4: rotations[0] (L1): member "Bob" is not in people; add them or correct the name`},
		"a member that is a list":   {strings.Replace(rotation(""), "[alice]", "[[alice], null]", 1), "line 4: rotations[0] (L1): members[0] is a list, not a text\nline 4: rotations[0] (L1): members[1] has no value"},

		"no windows":              {rotation(", windows: []"), "line 4: rotations[0] (L1): windows has no entries; add one, or remove the field if it is optional"},
		"windows without value":   {rotation(", windows: "), "line 4: rotations[0] (L1): windows has no entries; add one, or remove the field if it is optional"},
		"too many windows":        {rotation(", windows: [" + strings.Repeat("{},", 22) + "]"), "line 4: rotations[0] (L1): windows has 22 entries, more than 21; remove some"},
		"a window that is a text": {rotation(", windows: [Mon]"), `line 4: rotations[0] (L1), windows[0]: the text "Mon" stands where the fields days, from, to belong`},
		"a window of nothing": {window(""), `line 4: rotations[0] (L1), windows[0]: days is missing
line 4: rotations[0] (L1), windows[0]: from is missing
line 4: rotations[0] (L1), windows[0]: to is missing`},
		"a day in full":         {window(`days: [Monday], from: "08:00", to: "18:00"`), `line 4: rotations[0] (L1), windows[0]: day "Monday" is not one of Mon, Tue, Wed, Thu, Fri, Sat, Sun`},
		"a day twice":           {window(`days: [Mon, Mon], from: "08:00", to: "18:00"`), "line 4: rotations[0] (L1), windows[0]: day Mon stands twice; keep one"},
		"a day that is a list":  {window(`days: [[Mon]], from: "08:00", to: "18:00"`), "line 4: rotations[0] (L1), windows[0]: days[0] is a list, not a text"},
		"a time of one digit":   {window(`days: [Mon], from: 8:00, to: "18:00"`), `line 4: rotations[0] (L1), windows[0]: from "8:00" is not a time from "00:00" to "23:59"; the end of a day is "00:00"`},
		"24:00":                 {window(`days: [Mon], from: "08:00", to: "24:00"`), `line 4: rotations[0] (L1), windows[0]: to "24:00" is not a time from "00:00" to "23:59"; the end of a day is "00:00"`},
		"an override of a text": {rotation("") + "overrides: [alice]\n", `line 5: overrides[0]: the text "alice" stands where the fields level, from, to, member belong`},
		"too many overrides":    {rotation("") + "overrides: [" + strings.Repeat("{},", 501) + "]\n", "line 5: overrides has 501 entries, more than 500; remove some"},
		"an override of nothing": {override(""), `line 6: overrides[0]: level is missing
line 6: overrides[0]: from is missing
line 6: overrides[0]: to is missing
line 6: overrides[0]: member is missing; name a person, or nobody for a gap`},
		"an override without value":    {override(`level: L1, from: "2026-11-03 09:00", to: "2026-11-04 09:00", member: ""`), "line 6: overrides[0] (L1): member has no value"},
		"an override by a stranger":    {override(`level: L1, from: "2026-11-03 09:00", to: "2026-11-04 09:00", member: dave`), `line 6: overrides[0] (L1): member "dave" is not in people; add them or correct the name`},
		"an override of another level": {override(`level: L2, from: "2026-11-03 09:00", to: "2026-11-04 09:00", member: bob`), "line 6: overrides[0] (L2): L2 has no rotation; add one, or remove the override"},
		"an override of no level":      {override(`level: l1, from: "2026-11-03 09:00", to: "2026-11-04 09:00", member: bob`), `line 6: overrides[0]: level "l1" is not one of L1, L2, TechLead`},
		"an override back in time":     {override(`level: L1, from: "2026-11-03 09:00", to: "2026-11-03 09:00", member: bob`), "line 6: overrides[0] (L1): to is not after from; exchange or correct them"},
		"an override that is skipped":  {override(`level: L1, from: "2027-03-28 02:10", to: "2027-03-28 02:50", member: bob`), "line 6: overrides[0] (L1): clocks skip all of the time between from and to; remove the override or make it longer"},
		"overrides that overlap": {
			override(`level: L1, from: "2026-11-05 09:00", to: "2026-11-06 09:00", member: bob`) +
				`- {level: L1, from: "2026-11-01 09:00", to: "2026-11-10 09:00", member: nobody}
- {level: L1, from: "2026-11-07 09:00", to: "2026-11-08 09:00", member: bob}
- {level: L1, from: "2026-11-10 09:00", to: "2026-11-11 09:00", member: bob}
`, `line 7: overrides[1] (L1): it overlaps overrides[0] (L1) in line 6; shorten or remove one of them
line 8: overrides[2] (L1): it overlaps overrides[1] (L1) in line 7; shorten or remove one of them`},
		"more than a person reads": {rotation("") + "overrides: [" + strings.Repeat("x,", 30) + "]\n",
			strings.Join(overridesOfText(20), "\n") + "\nand 10 more; correct these first"},
		"the order of the file": {`overrides: [{level: L1, from: x, to: "2026-11-04 09:00", member: eve}]
rotations:
- {level: L1, start: y, shift: 1w, members: [alice]}
people: [{name: alice}]
timeZone: z
`, `line 1: overrides[0] (L1): from "x" is not a date and time such as "2026-11-02 09:00"
line 1: overrides[0] (L1): member "eve" is not in people; add them or correct the name
line 3: rotations[0] (L1): start "y" is not a date and time such as "2026-11-02 09:00"
line 4: people[0] (alice): contact is missing
line 5: timeZone "z" is not known; write a name such as Europe/Warsaw`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			roster, err := Parse([]byte(c.text))
			if err == nil {
				t.Fatalf("it was accepted:\n%s", c.text)
			}
			if diff := cmp.Diff(c.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if len(roster.Levels()) != 0 {
				t.Error("there is a roster besides the error")
			}
		})
	}
}

func overridesOfText(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf(`line 5: overrides[%d]: the text "x" stands where the fields level, from, to, member belong`, i))
	}
	return lines
}

func TestWhatPeopleWriteIsAccepted(t *testing.T) {
	cases := map[string]string{
		"times without quotes":         "timeZone: UTC\npeople: [{name: a, contact: b}]\nrotations:\n- level: L1\n  start: 2026-11-02 09:00\n  shift: 1w\n  members: [a]\n  windows:\n  - days: [Mon]\n    from: 08:00\n    to: 18:00\n",
		"a number as a contact":        strings.Replace(file("UTC", weekly), `"+48 600 000 001"`, "48600000001", 1),
		"names of other alphabets":     strings.ReplaceAll(file("UTC", weekly), "alice", "Łucja Öztürk 小林"),
		"line ends of Windows":         strings.ReplaceAll(file("UTC", weekly), "\n", "\r\n"),
		"a byte order mark":            "\ufeff" + file("UTC", weekly),
		"JSON":                         `{"timeZone": "UTC", "people": [{"name": "a", "contact": "b"}], "rotations": [{"level": "L1", "start": "2026-11-02 09:00", "shift": "1w", "members": ["a"]}]}`,
		"as much as there may be":      most(),
		"an override of nobody":        file("UTC", weekly+`overrides: [{level: L1, from: "2026-11-02 09:00", to: "2026-11-02 09:01", member: nobody}]`),
		"the longest shift":            strings.Replace(file("UTC", weekly), "1w", "366d", 1),
		"the longest shift, in hours":  strings.Replace(file("UTC", weekly), "1w", "8784h", 1),
		"the first and the last year":  file("UTC", strings.Replace(weekly, "2026", "2000", 1)+`overrides: [{level: L1, from: "2000-01-01 00:00", to: "2199-12-31 23:59", member: bob}]`),
		"a name of a name's length":    strings.ReplaceAll(file("UTC", weekly), "alice", strings.Repeat("a", 63)),
		"overrides of two levels meet": file("UTC", weekly+`- {level: L2, start: "2026-11-02 09:00", shift: 1w, members: [bob]}`+"\noverrides:\n"+`- {level: L1, from: "2026-11-02 09:00", to: "2026-11-03 09:00", member: carol}`+"\n"+`- {level: L2, from: "2026-11-02 09:00", to: "2026-11-03 09:00", member: carol}`),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse([]byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheExampleOfTheDocumentIsAccepted(t *testing.T) {
	document, err := os.ReadFile("../../docs/oncall.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(document), "```yaml\n")
	example, _, _ = strings.Cut(example, "```")
	roster := mustParse(t, example)
	if diff := cmp.Diff([]string{L1, L2}, roster.Levels()); diff != "" {
		t.Error(diff)
	}
}

// most is a file at several bounds: 50 members, who stand in for each other in 500 overrides.
func most() string {
	var text strings.Builder
	text.WriteString("timeZone: Europe/Warsaw\npeople:\n")
	var members []string
	for i := range 50 {
		members = append(members, fmt.Sprintf("p%d", i))
		fmt.Fprintf(&text, "- {name: p%d, contact: c}\n", i)
	}
	fmt.Fprintf(&text, "rotations:\n- {level: L1, start: \"2016-01-01 09:00\", shift: 1d, members: [%s]}\noverrides:\n", strings.Join(members, ", "))
	for i := range 500 {
		from := time.Date(2026, 1, 1+i, 9, 0, 0, 0, time.UTC)
		fmt.Fprintf(&text, "- {level: L1, from: %s, to: %s, member: p0}\n", from.Format(dateLayout), from.AddDate(0, 0, 1).Format(dateLayout))
	}
	return text.String()
}

func BenchmarkAt(b *testing.B) {
	for name, text := range map[string]string{
		"a rotation of this week": file("Europe/Warsaw", weekly),
		"a rotation of 2000":      file("Europe/Warsaw", strings.Replace(weekly, "2026", "2000", 1)),
		"500 overrides in a row":  most(),
	} {
		b.Run(name, func(b *testing.B) {
			roster := mustParse(b, text)
			now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
			for b.Loop() {
				roster.At(L1, now)
			}
		})
	}
}
