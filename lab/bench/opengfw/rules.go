package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apernet/OpenGFW/ruleset/builtins/geo/v2geo"
	"google.golang.org/protobuf/proto"
)

// listName is the list's name in the .dat file.
const listName = "bench"

// writeRules is the command that writes policies for a benchmark: a rule a name, or one rule over a list of names.
func writeRules(args []string) error {
	f := flag.NewFlagSet("opengfw-box rules", flag.ContinueOnError)
	count := f.Int("count", 0, "so many rules, each for one name and what is under it")
	domains := f.Int("domains", 0, "one rule with a list of so many names and what is under them; with --geosite")
	from := f.String("names", "", "take the names from this file, one a line, instead of making them up: as many as asked for")
	geosite := f.String("geosite", "", "where the list goes, as a v2fly .dat file")
	output := f.String("output", "", "where the rules go")
	if err := f.Parse(args); err != nil {
		return err
	}
	n := max(*count, *domains)
	switch {
	case *output == "":
		return errors.New("rules: --output is needed")
	case n <= 0 || (*count > 0) == (*domains > 0):
		return errors.New("rules: one of --count and --domains is needed, above 0")
	case (*domains > 0) != (*geosite != ""):
		return errors.New("rules: --geosite goes with --domains")
	}
	names := madeUp(n)
	if *from != "" {
		var err error
		if names, err = readNames(*from, n); err != nil {
			return err
		}
	}
	if *count > 0 {
		return create(*output, func(w io.Writer) { endsWith(w, names) })
	}
	list, err := encode(names)
	if err != nil {
		return err
	}
	if err := os.WriteFile(*geosite, list, 0o644); err != nil {
		return err
	}
	return create(*output, func(w io.Writer) {
		fmt.Fprintf(w, "- name: list\n  action: block\n  expr: geosite(string(tls?.req?.sni), %q)\n", listName)
	})
}

// madeUp are names under a domain that nobody has.
func madeUp(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%07d.example", i)
	}
	return names
}

// readNames reads the first n names of a file.
func readNames(file string, n int) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names := make([]string, 0, n)
	lines := bufio.NewScanner(f)
	for len(names) < n && lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" {
			names = append(names, name)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(names) < n {
		return nil, fmt.Errorf("%s has %d names, %d are asked for", file, len(names), n)
	}
	return names, nil
}

// endsWith writes a rule a name, as OpenGFW's documentation has them.
func endsWith(w io.Writer, names []string) {
	for i, name := range names {
		fmt.Fprintf(w, "- name: rule%d\n  action: block\n  expr: string(tls?.req?.sni) endsWith %q\n", i, name)
	}
}

// encode makes a v2fly list of the names, each with all that is under it.
func encode(names []string) ([]byte, error) {
	site := &v2geo.GeoSite{CountryCode: strings.ToUpper(listName)}
	for _, name := range names {
		site.Domain = append(site.Domain, &v2geo.Domain{Type: v2geo.Domain_RootDomain, Value: name})
	}
	return proto.Marshal(&v2geo.GeoSiteList{Entry: []*v2geo.GeoSite{site}})
}

func create(file string, write func(io.Writer)) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	write(w)
	return errors.Join(w.Flush(), f.Close())
}
