package lab

import (
	"embed"
	"fmt"
	"net/netip"
	"os"
	"path"
	"strings"
	"time"

	"dpilab/internal/strictyaml"
)

// Topology says what a lab consists of. It is plain data, from a file or written in Go; Validate and Build check it, and
// nothing here changes it.
type Topology struct {
	Name    string
	About   string
	Hosts   []HostSpec
	Routers []string
	Boxes   []string
	Links   []LinkSpec

	file   string                     // where it was read from; "" when it was written in Go
	places map[string]strictyaml.Node // where in the file each thing stands, by its path, such as "hosts.client.resolver"
}

// HostSpec is one host. Hosts do not forward.
type HostSpec struct {
	Name     string
	Resolver string   // the host whose DNS service this one asks; "": none
	Names    []string // domain names that lead to this host
	Serves   []Serve
}

// Serve is a service that a host runs. The lab only checks the words; who starts services gives them their meaning.
type Serve struct {
	Service string // a word of ServiceNames
	Variant string // dns: "resolver", "nsdi" or "forward"
	To      string // dns, forward: the host whose DNS service is asked
}

// ServiceNames are the words that `serves` knows.
var ServiceNames = []string{"dns", "http", "http3", "https", "media", "stun", "tunnel", "whatsapp", "whatsapp-proxy", "wireguard"}

// dnsVariants are the words that `dns:` knows. Only forward has a `to`.
var dnsVariants = []string{"forward", "nsdi", "resolver"}

// LinkSpec is a wire between two ends. Its name is the name of the interface at both ends.
type LinkSpec struct {
	Name  string
	Ends  []EndSpec     // two
	Rate  int64         // bits a second, each way; 0: as fast as it goes
	Delay time.Duration // one way, each way; 0: none
	Box   string        // the box on this link, its inside port towards the first end; "": none
}

// EndSpec is one end of a link.
type EndSpec struct {
	Node  string         // a host or a router
	Addrs []netip.Prefix // at most one IPv4 and one IPv6 address, each with the length of the link's subnet
}

//go:embed topologies/*.yaml
var shipped embed.FS

// OpenTopology reads and validates a topology: a file, when the name has a slash or ends in .yaml, otherwise one that
// ships with the program.
func OpenTopology(nameOrFile string) (*Topology, error) {
	if strings.Contains(nameOrFile, "/") || strings.HasSuffix(nameOrFile, ".yaml") {
		data, err := os.ReadFile(nameOrFile)
		if err != nil {
			return nil, fmt.Errorf("read topology: %w", err)
		}
		return ParseTopology(nameOrFile, data)
	}
	file := path.Join("topologies", nameOrFile+".yaml")
	data, err := shipped.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("no topology %q ships with dpilab (there are: %s); a file's name needs a slash or the ending .yaml",
			nameOrFile, strings.Join(TopologyNames(), ", "))
	}
	return ParseTopology(file, data)
}

// TopologyNames gives the names of the topologies that ship with the program.
func TopologyNames() []string {
	entries, _ := shipped.ReadDir("topologies")
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Host gives the host of this name, nil when there is none.
func (t *Topology) Host(name string) *HostSpec {
	for i := range t.Hosts {
		if t.Hosts[i].Name == name {
			return &t.Hosts[i]
		}
	}
	return nil
}

// TopologyError is what is wrong with a topology, and where. Its message is one line. For a topology written in Go the file
// is "topology", and the text begins with the path of the thing that is wrong, such as links[0].delay.
type TopologyError = strictyaml.Error

// Serving gives the first host that serves a word of ServiceNames, nil when none does.
func (t *Topology) Serving(service string) *HostSpec {
	for i := range t.Hosts {
		if t.serves(t.Hosts[i].Name, service) {
			return &t.Hosts[i]
		}
	}
	return nil
}
