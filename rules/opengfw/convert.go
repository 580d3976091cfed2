package opengfw

import (
	"fmt"
	"slices"
	"strings"

	"dpilab/rules"
)

// Convert reads a file of OpenGFW rules; file is for messages. The error, of type *rules.Error, is about a file that is none. It keeps
// nothing of data. Any goroutine may call it.
func Convert(file string, data []byte, o Options) (*Result, error) {
	all, err := read(file, data)
	if err != nil {
		return nil, err
	}
	c := converter{file: file, options: o, said: map[string]bool{}, names: map[string]bool{}, lists: map[string]list{}}
	for _, r := range all {
		c.rule(r)
	}
	policy := c.settle()
	slices.SortStableFunc(c.notes, func(a, b Note) int { return a.Line - b.Line })
	return &Result{Policy: policy, Notes: c.notes, Rules: len(all), Made: len(c.made)}, nil
}

// converter is a policy in the making.
type converter struct {
	file    string
	options Options
	made    []*rule
	lists   map[string]list // by the name that the policy has for it
	names   map[string]bool // of rules, that are taken
	said    map[string]bool // differences that are told once a file
	notes   []Note
}

// rule is a rule of the policy.
type rule struct {
	from   source
	name   string
	when   cond
	unless []cond
	do     string // as a policy has it
	also   int    // rules of the file that were put into this one, behind from
	last   int    // line of the last of them
	read   *rules.Rule
}

func (c *converter) note(s source, k Kind, format string, args ...any) {
	c.notes = append(c.notes, Note{c.file, s.line, s.name, k, fmt.Sprintf(format, args...)})
}

// once notes a difference the first time that it matters.
func (c *converter) once(s source, text string) {
	if !c.said[text] {
		c.said[text] = true
		c.note(s, Differs, "%s", text)
	}
}

// rule takes one rule of the file over.
func (c *converter) rule(s source) {
	if s.wrong != "" {
		c.note(s, Cannot, "%s", s.wrong)
		return
	}
	if s.action == "" {
		c.note(s, Nothing, "it only logs: dpilab tells of each rule that hits a flow")
		return
	}
	alternatives, err := s.alternatives()
	if err != nil {
		c.note(s, Cannot, "%s", err)
		return
	}
	var made []*rule
	for i := range alternatives {
		if r := c.alternative(s, &alternatives[i], len(alternatives) > 1, made); r != nil {
			made = append(made, r)
		}
	}
	for _, r := range joinRuns(made) {
		r.name = c.unused(label(s.name, len(c.made)+1))
		c.made = append(c.made, r)
	}
}

// alternative makes a rule of one alternative, nil where there is none to make; made are those of the same rule of the file.
func (c *converter) alternative(s source, a *alternative, several bool, made []*rule) *rule {
	part := ""
	if several {
		part = a.text() + ": "
	}
	r, err := a.rule(s)
	if err != nil {
		if strings.HasPrefix(err.Error(), strings.TrimSuffix(part, ": ")) {
			part = ""
		}
		c.note(s, Cannot, "%s%s", part, s.consequence(err.Error()))
		return nil
	}
	if r == nil {
		c.note(s, Nothing, "%snever holds", part)
		return nil
	}
	switch why := r.try(c.lists, a.lists); {
	case strings.Contains(why, "never holds"), strings.Contains(why, "holds whenever the when holds"):
		c.note(s, Nothing, "%snever holds: %s", part, why)
		return nil
	case why != "":
		c.note(s, Cannot, "%s%s", part, s.consequence(why))
		return nil
	}
	for _, before := range [][]*rule{c.made, made} {
		if i := slices.IndexFunc(before, func(b *rule) bool { return r.read.ShadowedBy(b.read) }); i >= 0 {
			c.note(s, Nothing, "%snever reached: the rule in line %d takes all of its streams", part, before[i].from.line)
			return nil
		}
	}
	for _, l := range a.lists {
		if _, known := c.lists[l.name]; !known {
			l.from = s
			c.lists[l.name] = l
		}
	}
	for _, text := range a.differs(s, r) {
		c.once(s, text)
	}
	return r
}

// consequence adds what a missing allow means for the rules behind it.
func (s source) consequence(text string) string {
	if s.action == allow {
		text += "; rules below may now hit what it lets be"
	}
	return text
}

// unused gives the name, with a number if it is taken.
func (c *converter) unused(name string) string {
	try := name
	for i := 2; c.names[try]; i++ {
		try = fmt.Sprintf("%s-%d", name, i)
	}
	c.names[try] = true
	return try
}

// label makes a name of small letters, digits and hyphens.
func label(name string, number int) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '-' }), "-")
	if s == "" {
		return fmt.Sprintf("rule-%d", number)
	}
	return s
}
