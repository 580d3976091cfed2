package tools

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"dpilab/lab"
	"dpilab/lab/probe"
)

// Place is where a session runs. All of it is required, but Server, when the tool has no server part, and Router, when nothing runs there
// and no placeholder names it.
type Place struct {
	Lab      *lab.Lab
	Services *lab.Services
	Client   *lab.Host
	Router   *lab.Host // the client's first
	Server   *lab.Host // where the server part runs; it serves nothing else on the ports of the definition
	Cover    string    // the name of a site that nobody blocks, for tools that pretend to be one
	Dir      string    // exists and belongs to the session: files, logs
}

// check says what is missing.
func (p *Place) check(d *definition) error {
	switch {
	case p.Lab == nil || p.Services == nil || p.Client == nil || p.Dir == "":
		return fmt.Errorf("a place needs a lab, its services, a client and a folder")
	case d.server != nil && p.Server == nil:
		return fmt.Errorf("found no host for the server part, expected Place.Server")
	case d.client != nil && d.client.router && p.Router == nil:
		return fmt.Errorf("found no router for the client part, expected Place.Router")
	}
	return nil
}

// words gives the values of placeWords. What the place does not have is empty.
func (p *Place) words() map[string]string {
	v := map[string]string{"dir": p.Dir, "ca": p.Services.CAFile, "chat.key": hex.EncodeToString(p.Services.Chat.Root[:]), "cover": p.Cover}
	for name, h := range map[string]*lab.Host{"server": p.Server, "client": p.Client, "router": p.Router} {
		v[name], v[name+"6"] = "", ""
		if h != nil {
			v[name], v[name+"6"] = text(h.Addr4()), text(h.Addr6())
		}
	}
	v["cover.address"], v["resolver"], v["resolver.far"] = "", "", ""
	for _, h := range p.Lab.Hosts() {
		if slices.Contains(h.Names, p.Cover) {
			v["cover.address"] = text(h.Addr4())
		}
	}
	if addrs := p.Client.ResolverAddrs(); len(addrs) > 0 {
		v["resolver"] = addrs[0].String()
	}
	for _, spec := range p.Lab.Topology.Hosts {
		for _, s := range spec.Serves {
			if s.Service == "dns" && s.Variant == "resolver" && v["resolver.far"] == "" {
				v["resolver.far"] = text(p.Lab.Host(spec.Name).Addr4())
			}
		}
	}
	return v
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// goalValues gives the values of goalWords.
func goalValues(p probe.Probe) map[string]string {
	path := p.Path
	if path == "" {
		path = "/"
	}
	v := map[string]string{
		"name": p.Host, "url": "", "port": strconv.Itoa(int(portOf(p))), "bytes": strconv.FormatInt(p.Bytes, 10),
		"timeout": strconv.Itoa(int((patience(p) + time.Second - 1) / time.Second)),
	}
	switch p.Type {
	case probe.TypeHTTP:
		v["url"] = "http://" + p.Host + path
	case probe.TypeHTTPS, probe.TypeHTTP3:
		v["url"] = "https://" + p.Host + path
	case probe.TypeDownload:
		v["url"] = "https://" + p.Host + "/download?bytes=" + v["bytes"]
	}
	return v
}

func portOf(p probe.Probe) uint16 {
	switch {
	case p.Port != 0:
		return p.Port
	case p.Type == probe.TypeHTTP:
		return lab.PortHTTP
	case p.Type == probe.TypeHTTPS, p.Type == probe.TypeHTTP3, p.Type == probe.TypeDownload:
		return lab.PortHTTPS
	}
	return 0
}

// patience is how long a probe waits for the next thing to happen.
func patience(p probe.Probe) time.Duration {
	if p.Timeout > 0 {
		return p.Timeout
	}
	return 3 * time.Second
}

// writeFiles writes the files that name a goal, or those that do not.
func (d *definition) writeFiles(dir string, values map[string]string, goal bool) error {
	for _, f := range d.files {
		if hasGoalWord(f.text) != goal {
			continue
		}
		name := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(fill(f.text, values)), 0o600); err != nil {
			return err
		}
	}
	return nil
}
