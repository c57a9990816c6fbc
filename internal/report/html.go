package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
)

//go:embed page.html
var pageText string

//go:embed page.css
var style string

// page escapes by itself: no text of a document is ever given to it as markup.
var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"plot": func(l line) linePlot { return l.plot() }, "barPlot": func(b *bars) barPlot { return b.plot() },
}).Parse(pageText))

// HTML is the report as one page, which needs nothing else and loads nothing.
func (r Report) HTML() ([]byte, error) {
	var out bytes.Buffer
	err := page.Execute(&out, struct {
		document
		Style  template.CSS
		Policy string
	}{r.document, template.CSS(style), policy})
	if err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return out.Bytes(), nil
}

// policy forbids a browser everything but this page's own style.
var policy = fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", digest(style))

func digest(words string) string {
	sum := sha256.Sum256([]byte(words))
	return base64.StdEncoding.EncodeToString(sum[:])
}
