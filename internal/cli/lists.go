package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"dpilab/rules"
	"dpilab/rules/lists"
)

// listsCommand is about lists of others; list names what ships.
func listsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lists",
		Short: "Turn block lists of other programs into lists for policies",
		Long: `Turn block lists of other programs into lists (.domains, .prefixes) that policies name.

What ships with dpilab (scenarios, policies, traces, topologies): dpilab list, without s.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unknown command %q for dpilab lists: it has import and compile; what ships is in dpilab list", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return errors.New("lists takes a command: dpilab lists import FILE or dpilab lists compile FILE; what ships is in dpilab list")
		},
	}
	c.AddCommand(listsImportCommand(), listsCompileCommand())
	return c
}

func listsCompileCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "compile FILE...",
		Short: "Put the compiled form of lists of domains beside them",
		Long: `Put the compiled form of lists of domains (.domains) beside them, FILE.compiled. Policies then load them at once, as long as the text is the
same. Lists of 100,000 names and more are compiled when a policy first reads them; this is for shorter ones, and for folders that
dpilab cannot write later.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("lists compile takes lists of domains: dpilab lists compile ads.domains")
			}
			for _, file := range args {
				out, err := rules.CompileList(file)
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), out)
			}
			return nil
		},
	}
}

type importFlags struct {
	format     string
	output     string
	exceptions string
	kind       string
	memory     string
	asn        []string
	strict     bool
	json       bool
	lists.Options
}

func listsImportCommand() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import FILE...",
		Short: "Read block lists and write what they have together as one list",
		Long: `Read block lists, packed with gzip or not (- is standard input), and write what they have together: sorted, without duplicates and without
entries that others cover. The list goes to standard output or to --output, what became of the lines to standard error.

Formats: ` + strings.Join(lists.FormatNames(), ", ") + `.
Without --format, the name and the beginning of each file decide, where only one fits. go doc dpilab/rules/lists has what each format means.

  plain       a name, or an entry of a .domains file, a line
  hosts       0.0.0.0 name
  adblock     ||name^
  zapret      hostlists: name, or ^name for that name only
  v2fly       domain-list-community: a file, or the folder with --tag
  geosite     geosite .dat, with --tag
  citizenlab  test lists, CSV
  ooni        measurements, CSV
  rkn         dump.csv of the Russian register: domains and prefixes
  cidr        prefixes, addresses, ranges
  geoip       geoip .dat, with --country
  mmdb        MaxMind DB, with --country or --asn

Exit code 0 with bad lines too, unless nothing could be read; 2 with --strict and a bad line, or when nothing could be read.`,
		Example: `  dpilab lists import hosts.txt --output ads.domains
  dpilab lists import dump.csv.gz --output register        # register.domains and register.prefixes
  dpilab lists import geosite.dat --tag google --attribute @ads
  dpilab lists import GeoLite2-ASN.mmdb --asn 64496,64497 --output them.prefixes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("lists import takes files: dpilab lists import hosts.txt --output ads.domains")
			}
			return f.run(cmd.Context(), args, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.format, "format", "", "the `format` of all files; without: found out for each")
	fl.StringVar(&f.output, "output", "", "write to this `file`, whole or not at all; an ending .domains or .prefixes is added where it has none")
	fl.StringVar(&f.exceptions, "exceptions", "", "write what AdBlock-style lists except (@@) to this `file`; without: it is reported")
	fl.StringVar(&f.kind, "kind", "", "domains or prefixes: write one kind only, where files give both")
	fl.StringSliceVar(&f.Tags, "tag", nil, "`lists` of a geosite .dat or of a folder of domain-list-community")
	fl.StringSliceVar(&f.Countries, "country", nil, "`codes` of countries, for geoip and mmdb")
	fl.StringSliceVar(&f.asn, "asn", nil, "`numbers` of autonomous systems, for mmdb")
	fl.StringSliceVar(&f.Attributes, "attribute", nil, "take entries with all of these `attributes`, and none of those with a minus (@ads, @-cn), for geosite and v2fly")
	fl.BoolVar(&f.Subdomains, "subdomains", false, "names of hosts, citizenlab, ooni and rkn, which are about a name alone, stand for all under them as well")
	fl.BoolVar(&f.Anomalies, "anomalies", false, "of OONI measurements, take anomalies as well as confirmed blocking")
	fl.IntVar(&f.MaxErrors, "max-errors", 10, "how many bad lines, and how many that are not expressible, to show; all are counted")
	fl.StringVar(&f.memory, "max-memory", "1G", "`memory` for entries, with K, M or G; more is an error")
	fl.BoolVar(&f.strict, "strict", false, "a bad line is an error, and nothing is written")
	fl.BoolVar(&f.json, "json", false, "print the report as JSON, on standard error")
	return c
}

func (f *importFlags) run(ctx context.Context, files []string, stdin io.Reader, stdout, stderr io.Writer) error {
	if err := f.parse(); err != nil {
		return err
	}
	f.Input = stdin
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(f.MaxMemory))
	result, err := lists.Import(ctx, files, f.Options)
	f.report(&result.Report, stderr)
	if err != nil {
		return err
	}
	if r := &result.Report; f.strict && r.Bad > 0 {
		return fmt.Errorf("found bad lines (%d), and --strict: nothing was written", r.Bad)
	}
	return f.write(result, stdout)
}

// parse reads the flags that are texts.
func (f *importFlags) parse() (err error) {
	if f.format != "" {
		if f.Format, err = lists.ParseFormat(f.format); err != nil {
			return fmt.Errorf("--format: %w", err)
		}
	}
	if f.kind != "" && f.kind != "domains" && f.kind != "prefixes" {
		return fmt.Errorf("--kind: found %q, expected domains or prefixes", f.kind)
	}
	for _, s := range f.asn {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToUpper(s), "AS"), 10, 32)
		if err != nil || n == 0 {
			return fmt.Errorf("--asn: found %q, expected a number such as 64496", s)
		}
		f.ASNs = append(f.ASNs, uint32(n))
	}
	for _, s := range f.Countries {
		if s == "" {
			return errors.New("--country: found nothing, expected codes such as RU,BY")
		}
	}
	if f.MaxMemory, err = parseMemory(f.memory); err != nil {
		return fmt.Errorf("--max-memory: %w", err)
	}
	return nil
}

// parseMemory reads bytes, with K, M or G for 1024 and its powers.
func parseMemory(s string) (int64, error) {
	digits := strings.TrimRight(strings.ToUpper(s), "KMGIB")
	shift, ok := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30}[strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(s[len(digits):]), "B"), "I")]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 1 || n > 1<<62>>shift {
		return 0, fmt.Errorf("found %q, expected a size such as 512M", s)
	}
	return n << shift, nil
}

func (f *importFlags) report(r *lists.Report, out io.Writer) {
	if f.json {
		data, _ := json.Marshal(r) // strings and numbers
		fmt.Fprintf(out, "%s\n", data)
		return
	}
	for _, p := range r.Problems {
		fmt.Fprintf(out, "%s\n", p)
	}
	if more := r.Bad - len(r.Problems); more > 0 {
		fmt.Fprintf(out, "... and %s that cannot be read\n", entries(more))
	}
	for _, p := range r.Inexpressible {
		fmt.Fprintf(out, "not expressible: %s\n", p)
	}
	if more := r.NotExpressible - len(r.Inexpressible); more > 0 {
		fmt.Fprintf(out, "... and %s not expressible\n", entries(more))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(out, "%s\n", n)
	}
	if r.Exceptions > 0 && f.exceptions == "" {
		fmt.Fprintf(out, "exceptions (%d) are not written: --exceptions FILE does\n", r.Exceptions)
	}
	fmt.Fprintln(out, r.Summary())
}

func entries(n int) string {
	if n == 1 {
		return "1 more entry"
	}
	return fmt.Sprintf("%d more entries", n)
}
