package opengfw

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// list is a file that a policy names, and that dpilab lists import makes of one of OpenGFW's.
type list struct {
	name string // in the policy
	file string // beside the policy
	tag  string // in the .dat file, with attributes
	geo  string // geosite or geoip
	from source // the first rule that names it
}

// command says how to make the file.
func (l list) command() string {
	if l.geo == "geoip" {
		return fmt.Sprintf("dpilab lists import geoip.dat --country %s --output %s", l.tag, l.file)
	}
	parts := strings.Split(l.tag, "@")
	command := "dpilab lists import geosite.dat --tag " + parts[0]
	if strings.Contains(parts[0], "!") { // which a shell may take for something else
		command = "dpilab lists import geosite.dat --tag '" + parts[0] + "'"
	}
	for _, attribute := range parts[1:] {
		command += " --attribute @" + attribute
	}
	return command + " --output " + l.file
}

// newList names the list of a tag. OpenGFW takes no notice of a tag's case.
func newList(geo, tag string) list {
	tag = strings.ToLower(strings.Join(strings.Fields(tag), ""))
	l := list{tag: tag, geo: geo, name: geo + "-" + label(strings.NewReplacer("!", "not-", "@", "-at-").Replace(tag), 0)}
	l.file = "lists/" + l.name + ".domains"
	if geo == "geoip" {
		l.file = "lists/" + l.name + ".prefixes"
	}
	return l
}

// call reads cidr, geoip and geosite.
func (l *literal) call(n *ast.CallNode) {
	callee, _ := n.Callee.(*ast.IdentifierNode)
	if callee == nil || len(n.Arguments) != 2 {
		l.err = l.unknown(n)
		return
	}
	o, ok := pathOf(n.Arguments[0])
	what, isText := n.Arguments[1].(*ast.StringNode)
	if !ok || !isText {
		l.err = fmt.Errorf("%s: no condition of a policy", l.text)
		return
	}
	f, ok := l.about(o)
	if !ok {
		return
	}
	switch {
	case callee.Value == "cidr" && f.kind == address:
		p, err := netip.ParsePrefix(what.Value)
		if err != nil {
			l.err = fmt.Errorf("%s: %q is no prefix", l.text, what.Value)
			return
		}
		l.cond[f.key] = []string{p.Masked().String()}
	case callee.Value == "geoip" && f.kind == address, callee.Value == "geosite" && f.kind == nameKind:
		if !plainTag(what.Value) {
			l.err = fmt.Errorf("%s: %q is no tag of a list", l.text, what.Value)
			return
		}
		made := newList(callee.Value, what.Value)
		l.lists, l.cond[f.key] = []list{made}, []string{made.name}
		l.fragile = l.fragile || f.kind == nameKind && !o.text // an error of nil
	default:
		l.err = fmt.Errorf("%s: no condition of a policy", l.text)
	}
}

// plainTag tells whether a tag has nothing that a command line would take for something else.
func plainTag(tag string) bool {
	for _, c := range []byte(tag) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '!' || c == '@' || c == ' ') {
			return false
		}
	}
	return strings.Trim(tag, "@-! ") != "" && tag[0] != '@'
}
