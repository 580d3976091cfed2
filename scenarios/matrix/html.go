package matrix

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
)

// The page: one document without anything from elsewhere. Its scripts are joined in the order of their use, and so are its styles.
var (
	//go:embed page.html
	pageFrame string
	//go:embed page.css
	pageStyle string
	//go:embed page_panel.css
	panelStyle string
	//go:embed page.js
	pageMain string
	//go:embed page_grid.js
	pageGrid string
	//go:embed page_cell.js
	pageCell string
	//go:embed page_draw.js
	pageDraw string
)

// pageData is what the page shows at once. What tries came to is beside it, packed, a block a tool: it is unpacked when a cell is opened.
type pageData struct {
	*Result
	Cells   []pageCellData `json:"cells"`
	Changes []pageChange   `json:"changes,omitempty"`
	Against bool           `json:"against"` // a baseline
	Runs    []string       `json:"runs"`    // of each tool: gzip in base64 of a list, for its cells in order, of their runs
}

type pageCellData struct {
	*Cell
	Runs []Run `json:"runs,omitempty"` // hides Cell.Runs, and is empty
}

type pageChange struct {
	Cell   string `json:"cell"`
	Change Change `json:"change"`
	Was    string `json:"was"`
	Is     string `json:"is"`
	Why    string `json:"why,omitempty"`
	Failed bool   `json:"failed"`
}

// WriteHTML writes the result as a page that a browser shows by itself, with what has changed (c may be nil). Nothing of what tools wrote
// becomes a part of the document: the page puts it there as text, and its policy lets no other script run.
func (r *Result) WriteHTML(w io.Writer, c *Comparison) error {
	data := pageData{Result: r, Cells: []pageCellData{}, Against: c != nil}
	for i := range r.Cells {
		data.Cells = append(data.Cells, pageCellData{Cell: &r.Cells[i]})
	}
	for i := range r.Tools {
		packed, err := r.packedRuns(r.Tools[i].Name)
		if err != nil {
			return err
		}
		data.Runs = append(data.Runs, packed)
	}
	if c != nil {
		data.Changes = pageChanges(r, c)
	}
	text, err := json.Marshal(data) // which writes <, > and & as escapes: the text cannot end its element
	if err != nil {
		return err
	}
	script, style := pageDraw+pageCell+pageGrid+pageMain, pageStyle+panelStyle
	_, err = strings.NewReplacer(
		"%STYLE%", style, "%SCRIPT%", script, "%DATA%", string(text), "%STYLEHASH%", hashOf(style), "%SCRIPTHASH%", hashOf(script),
	).WriteString(w, pageFrame)
	return err
}

// hashOf names a script or a style in a content security policy.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (r *Result) packedRuns(tool string) (string, error) {
	all := [][]Run{}
	for i := range r.Cells {
		if r.Cells[i].Tool == tool {
			all = append(all, r.Cells[i].Runs)
		}
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(all); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func pageChanges(r *Result, c *Comparison) []pageChange {
	names := map[string]string{}
	for i := range r.Cells {
		names[r.Cells[i].Tool+"\x00"+r.Cells[i].column()] = r.Cells[i].String()
	}
	var all []pageChange
	for _, x := range c.Changes {
		name := names[x.Tool+"\x00"+x.Column]
		if name == "" {
			name = x.Tool + "@" + x.Column
		}
		all = append(all, pageChange{name, x.Change, x.Was, x.Is, x.Why, c.Failed(x)})
	}
	return all
}
