package report

import "fmt"

// proof: what the report is made of, and how to check it.
func (f *Folder) proof() section {
	logs := table{Caption: "Logs", Head: []string{"Of", "Folder", "Entries", "Head (SHA-256 of the last entry)", "Chain"}}
	for _, one := range f.logs() {
		logs.Rows = append(logs.Rows, []cell{text(f.short(one.Name)), code(one.Prefix + "log/"), text(fmt.Sprint(len(one.Entries))), code(one.Head), one.chain()})
	}
	files := table{Caption: "Files", Head: []string{"File", "Bytes", "SHA-256", "Verdict"}}
	for _, one := range f.files {
		verdict := marked(good, "as written")
		if one.Problem != "" {
			verdict = marked(bad, "NOT VERIFIED: "+one.Problem)
		}
		files.Rows = append(files.Rows, []cell{{Text: one.Key, Link: f.link(one.Key)}, text(fmt.Sprint(one.Bytes)), code(one.SHA256), verdict})
	}
	blocks := []block{{Text: howToVerify}, {Table: logs.most()}}
	if len(files.Rows) > 0 {
		blocks = append(blocks, block{Table: files.most()})
	}
	again := fmt.Sprintf("kubectl strategy postmortem %s -n %s --from COPY-OF-THE-BUCKET", f.Snapshot.Incident.Name, f.namespace())
	return section{ID: "proof", Title: "What this is made of", Blocks: append(blocks, block{Heading: "To make this page again", Code: again})}
}

const howToVerify = "This page is a function of the files below, and of nothing else: made again from them it is the same, byte for byte. " +
	"Each entry of a log has the SHA-256 of the one before it, and the head stands in the closing snapshot; a file's SHA-256 stands in that snapshot, or begins in its own name. " +
	"That was checked for this page, without a key. Whether the entries and the snapshot were signed with the playbook's key is checked with that key: docs/evidence.md of the operator has the steps."

func (l log) chain() cell {
	wrong := 0
	for _, one := range l.Entries {
		if one.Problem != "" {
			wrong++
		}
	}
	switch {
	case wrong > 0:
		return marked(bad, fmt.Sprintf("NOT VERIFIED: entries that are not as written: %d", wrong))
	case l.Cut:
		return marked(careful, fmt.Sprintf("whole as far as it was read; only the first %d entries were", maxEntries))
	case !l.Known:
		return marked(careful, "whole; nothing in this folder says whether its end is here")
	}
	return marked(good, "whole, up to the head")
}
