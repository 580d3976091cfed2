package lists

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const noteAffiliations = "entries that other files affiliate with a list (&name) are known only when the folder is given, with --tag"

// community reads lists of domain-list-community, which include each other by name from one folder.
type community struct {
	im      *importer
	dir     string
	under   []string          // lists that are being read, outermost first
	done    map[string]bool   // lists with the attributes that they were asked for
	guests  map[string][]line // entries that other lists affiliate, by list in lower case
	warning bool              // of affiliations that are not known
}

// line is one of a file, kept.
type line struct {
	file   string
	number int
	text   string
}

// v2fly reads one file, and what it includes from its folder.
func v2fly(s *source) {
	if len(s.im.Tags) > 0 {
		s.fail(s.im.place(s.name, 0, "is one list: give its folder to choose lists with --tag, or leave --tag out"))
		return
	}
	c := &community{im: s.im, dir: filepath.Dir(s.name), done: map[string]bool{}}
	name := strings.ToLower(strings.TrimSuffix(filepath.Base(s.name), ".gz"))
	c.under = []string{name}
	c.lines(s, parseAttributes(s.im.Attributes))
	if c.warning {
		s.im.Report.Notes = append(s.im.Report.Notes, noteAffiliations)
	}
}

// folder reads the lists of a folder that are asked for.
func (im *importer) folder(dir string) error {
	s := &source{im: im, name: dir, format: V2Fly}
	if im.Format != V2Fly && im.Format != Detect || len(im.Tags) == 0 {
		return im.place(dir, 0, "is a folder: of domain-list-community, name the lists to take with --tag")
	}
	im.Report.Sources = append(im.Report.Sources, Source{dir, V2Fly})
	c := &community{im: im, dir: dir, done: map[string]bool{}, guests: map[string][]line{}}
	c.affiliations(s)
	for _, tag := range im.Tags {
		if s.failed != nil {
			break
		}
		if !c.list(s, strings.ToLower(tag), parseAttributes(im.Attributes)) {
			return im.place(dir, 0, "has no list %q", tag)
		}
	}
	return s.failed
}

// affiliations finds the entries that the files of the folder affiliate with other lists.
func (c *community) affiliations(s *source) {
	files, err := os.ReadDir(c.dir)
	if err != nil {
		s.fail(err)
	}
	size := 0
	for _, f := range files {
		if !f.Type().IsRegular() || s.failed != nil {
			continue
		}
		c.file(s, f.Name(), func(in *source) {
			for n, text := range in.lines() {
				text, _, _ = strings.Cut(text, "#")
				if strings.IndexByte(text, '&') < 0 {
					continue
				}
				for _, word := range strings.Fields(text)[1:] {
					if name, ok := strings.CutPrefix(word, "&"); ok {
						name = strings.ToLower(name)
						c.guests[name] = append(c.guests[name], line{in.name, n, text})
						size += len(text) + 64
					}
				}
				if c.im.MaxMemory > 0 && int64(size) > c.im.MaxMemory/4 {
					in.fail(c.im.place(in.name, n, "found more affiliations in the folder than fit into the memory limit: raise --max-memory"))
				}
			}
		})
	}
}

// file opens one of the folder for read.
func (c *community) file(s *source, name string, read func(*source)) bool {
	path := filepath.Join(c.dir, name)
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	in := &source{im: c.im, name: path, format: V2Fly, in: f}
	read(in)
	if in.failed != nil {
		s.fail(in.failed)
	}
	return true
}

// list takes a list of the folder, and tells whether there is one.
func (c *community) list(s *source, name string, want attributes) bool {
	key := name + " " + want.String()
	if c.done[key] {
		return true
	}
	c.done[key] = true
	c.under = append(c.under, name)
	defer func() { c.under = c.under[:len(c.under)-1] }()
	found := c.file(s, name, func(in *source) { c.lines(in, want) })
	for _, l := range c.guests[name] {
		found = true
		c.entry(&source{im: c.im, name: l.file}, l.number, l.text, want)
	}
	return found
}

func (c *community) lines(s *source, want attributes) {
	for n, text := range s.lines() {
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		kind, rest, _ := strings.Cut(text, ":")
		if strings.EqualFold(kind, "include") {
			c.include(s, n, rest, want)
			continue
		}
		c.entry(s, n, text, want)
	}
}

// include takes another list. Attributes behind its name choose among its entries.
func (c *community) include(s *source, n int, rest string, want attributes) {
	words := strings.Fields(rest)
	if len(words) == 0 || strings.ContainsAny(words[0], `/\`) || strings.HasPrefix(words[0], ".") {
		s.bad(n, "found include:%s, expected the name of a list of the folder", rest)
		return
	}
	for _, w := range words[1:] {
		if w[0] != '@' {
			s.bad(n, "found %s behind include:%s, expected attributes (@name, @-name)", shown(w), words[0])
			return
		}
	}
	name := strings.ToLower(words[0])
	if i := slices.Index(c.under, name); i >= 0 {
		s.fail(c.im.place(s.name, n, "includes go in a circle: %s", strings.Join(append(slices.Clone(c.under[i:]), name), " includes ")))
		return
	}
	c.warning = c.guests == nil
	if !c.list(s, name, want.and(parseAttributes(words[1:]))) {
		s.bad(n, "includes %q, which is not in %s", name, c.dir)
	}
}

// entry takes type:value @attribute &affiliation.
func (c *community) entry(s *source, n int, text string, want attributes) {
	words := strings.Fields(text)
	kind, value, typed := strings.Cut(words[0], ":")
	if !typed {
		kind, value = "domain", kind
	}
	if value == "" && len(words) > 1 { // a blank behind the colon
		value, words = words[1], words[1:]
	}
	var has []string
	for _, w := range words[1:] {
		switch w[0] {
		case '@':
			has = append(has, strings.ToLower(w[1:]))
		case '&':
			c.warning = c.guests == nil
		default:
			s.bad(n, "found %s, expected attributes (@name) and affiliations (&name) behind the value", shown(w))
			return
		}
	}
	f := communityForms[strings.ToLower(kind)]
	switch {
	case f == 0:
		s.bad(n, "found %s, expected domain:, full:, keyword:, regexp: or include:", shown(kind+":"))
	case !want.take(has):
		s.skip()
	default:
		s.add(n, f, value)
	}
}

// communityForms are the types of entries; a keyword is a piece of a name there.
var communityForms = map[string]form{"domain": formTree, "full": formExact, "keyword": formContains, "regexp": formRegexp}
