package matrix

import (
	"fmt"
	"html"
	"io"

	"dpilab/internal/typeset"
)

// shares are the colours of a badge, by the share of cells that are open (choice).
var shares = []struct {
	atLeast float64
	colour  string
}{{1, "#2ea44f"}, {0.8, "#6aa329"}, {0.5, "#c99a06"}, {0.25, "#e0702f"}, {0, "#cf3f3a"}}

// WriteBadge writes a picture (SVG) that says how much is open of what was tried: "dpilab 23/28 open".
func (r *Result) WriteBadge(w io.Writer) error {
	n := r.Count("")
	const label = "dpilab"
	value, colour := fmt.Sprintf("%d/%d open", n[Open], n.Tried()), "#8b8b8b"
	if n.Tried() > 0 {
		for _, s := range shares {
			if float64(n[Open])/float64(n.Tried()) >= s.atLeast {
				colour = s.colour
				break
			}
		}
	} else {
		value = "not tried"
	}
	if len(r.Tools) == 1 {
		value = r.Tools[0].Name + " " + value
	}
	return badge(w, label, value, colour)
}

// badge draws two fields of text. The letters are as wide as textLength says, whatever font is there.
func badge(w io.Writer, label, value, colour string) error {
	const height, margin, letter = 20, 6, 6.6
	left, right := letter*float64(typeset.Letters(label)), letter*float64(typeset.Letters(value))
	width := left + right + 4*margin
	middle := left + 2*margin
	label, value = html.EscapeString(label), html.EscapeString(value)
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" role="img" aria-label="%s: %s">
<title>%s: %s</title>
<clipPath id="r"><rect width="%.0f" height="%d" rx="4"/></clipPath>
<g clip-path="url(#r)"><rect width="%.1f" height="%d" fill="#484f58"/><rect x="%.1f" width="%.1f" height="%d" fill="%s"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="%d" y="14" textLength="%.1f" lengthAdjust="spacingAndGlyphs">%s</text>
<text x="%.1f" y="14" textLength="%.1f" lengthAdjust="spacingAndGlyphs">%s</text>
</g>
</svg>
`, width, height, label, value, label, value, width, height, middle, height, middle, width-middle, height, colour,
		margin, left, label, middle+margin, right, value)
	return err
}
