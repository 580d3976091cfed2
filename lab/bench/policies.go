package bench

import (
	"os"
	"path/filepath"

	"dpilab/rules"
)

// policies are those of a run, each made when it is first asked for.
type policies struct {
	folder string
	files  map[string]string
	made   map[string]*rules.Compiled
}

// blocking gives the policy that blocks the first count names.
func (p *policies) blocking(count int) (*rules.Compiled, error) {
	return p.get(sizeName(count), func() (string, error) { return p.file(count) })
}

// every gives the policy that blocks the first count names, and reads every hello of a connection.
func (p *policies) every(count int) (*rules.Compiled, error) {
	if _, err := p.file(count); err != nil {
		return nil, err
	}
	name := policyName(count) + "-every"
	return p.get(name, func() (string, error) {
		return writeBlocking(p.folder, name, policyName(count)+".domains", count, "every")
	})
}

// countingPolicy counts every packet, and drops none: the rate is out of reach.
const countingPolicy = `policy: counting
date: 2026-01-01
about: every packet is counted against a rate that is never reached

rules:
  - rule: rate
    when: all
    do: {police: 1000gbit, burst: 1000MB, per: flow}
    source: {ref: choice}
`

// counting gives a policy under which the engine has work with every packet.
func (p *policies) counting() (*rules.Compiled, error) {
	return p.get("counting", func() (string, error) {
		file := filepath.Join(p.folder, "counting.yaml")
		return file, os.WriteFile(file, []byte(countingPolicy), 0o644)
	})
}

// policing gives a policy that holds every flow to a rate.
func (p *policies) policing() (*rules.Compiled, error) {
	return p.get("policing", func() (string, error) {
		file := filepath.Join(p.folder, "policing.yaml")
		return file, os.WriteFile(file, []byte(policingPolicy), 0o644)
	})
}

// file gives the file of the policy that blocks the first count names.
func (p *policies) file(count int) (string, error) {
	file := filepath.Join(p.folder, policyName(count)+".yaml")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	return writePolicy(p.folder, count)
}

func (p *policies) get(name string, write func() (string, error)) (*rules.Compiled, error) {
	if c := p.made[name]; c != nil {
		return c, nil
	}
	file, err := write()
	if err != nil {
		return nil, err
	}
	c, err := compile(file)
	if err != nil {
		return nil, err
	}
	if p.made == nil {
		p.made, p.files = map[string]*rules.Compiled{}, map[string]string{}
	}
	p.made[name], p.files[name] = c, file
	return c, nil
}
