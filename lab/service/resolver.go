package service

import (
	"context"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/miekg/dns"
)

const (
	dnsTTL = 10 // seconds: a change shows soon

	// whoami answers with the address of the resolver that asked: one look tells whose answer it is. Akamai's real
	// name, used to find the redirect of August 2026 (B29b).
	whoami = "whoami.akamai.net."
)

// Zone is names and their addresses. Case and a trailing dot make no difference; there are no wildcards.
type Zone map[string][]netip.Addr

// Answerer answers one DNS query. q has exactly one question; self is the address the query came to. A nil answer
// means silence. The ID, the EDNS0 record and truncation are not its business. Called from many goroutines at a time.
type Answerer interface {
	Answer(ctx context.Context, q *dns.Msg, self netip.Addr) *dns.Msg
}

// Resolver answers from a Zone, as a recursive resolver that knows the whole (small) world. Names can be taken out,
// as was done in the national system with whatsapp.com in February 2026 (B29a).
//
// An unknown name is NXDOMAIN; a known one without such a record, and a name that only has known names below it, is
// NOERROR without an answer; both carry an SOA record (RFC 2308). whoami.akamai.net has the resolver's own address,
// and so has the CHAOS text id.server (RFC 4892). NewResolver makes one. All methods may be called from any goroutine; queries take no lock.
type Resolver struct {
	// Self is the address that whoami answers. The zero value: the address the query came to, which a listener on all
	// addresses does not know. Set it before the resolver is used.
	Self netip.Addr

	view atomic.Pointer[view]

	mu      sync.Mutex
	zone    Zone
	removed map[string]bool
}

// view is what a resolver knows at one moment. Never changed once it is stored.
type view struct {
	hosts map[string][]netip.Addr
	above map[string]bool // names with a host below them
}

// NewResolver makes a resolver for a copy of zone.
func NewResolver(zone Zone) *Resolver {
	r := &Resolver{removed: make(map[string]bool)}
	r.Replace(zone)
	return r
}

// Replace puts a copy of zone in place of the one before, at once for all names. What was removed stays removed.
func (r *Resolver) Replace(zone Zone) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.zone = make(Zone, len(zone))
	for name, addrs := range zone {
		name = dns.CanonicalName(name)
		r.zone[name] = append(r.zone[name], addrs...)
	}
	r.rebuild()
}

// Remove takes the names, and every name below them, out of the answers: NXDOMAIN. whatsapp.com takes web.whatsapp.com
// with it, whatsapp.net stays.
func (r *Resolver) Remove(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		r.removed[dns.CanonicalName(name)] = true
	}
	r.rebuild()
}

// Restore undoes Remove for names given to it before, or for all of them when called without names.
func (r *Resolver) Restore(names ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(names) == 0 {
		clear(r.removed)
	}
	for _, name := range names {
		delete(r.removed, dns.CanonicalName(name))
	}
	r.rebuild()
}

func (r *Resolver) rebuild() {
	v := &view{hosts: maps.Clone(r.zone), above: make(map[string]bool)}
	for name := range v.hosts {
		if r.isRemoved(name) {
			delete(v.hosts, name)
			continue
		}
		for up, ok := parent(name); ok; up, ok = parent(up) {
			v.above[up] = true
		}
	}
	r.view.Store(v)
}

func (r *Resolver) isRemoved(name string) bool {
	for ok := true; ok; name, ok = parent(name) {
		if r.removed[name] {
			return true
		}
	}
	return false
}

// parent cuts the first label off a canonical name. The root has no parent.
func parent(name string) (string, bool) {
	i, end := dns.NextLabel(name, 0)
	if end || name == "." {
		return ".", name != "."
	}
	return name[i:], true
}

// Answer implements Answerer.
func (r *Resolver) Answer(_ context.Context, q *dns.Msg, self netip.Addr) *dns.Msg {
	if r.Self.IsValid() {
		self = r.Self
	}
	a := new(dns.Msg).SetReply(q)
	a.RecursionAvailable = true
	question := q.Question[0]
	name := dns.CanonicalName(question.Name)
	if question.Qclass == dns.ClassCHAOS {
		return chaos(a, question, name, self)
	}
	if question.Qclass != dns.ClassINET {
		a.Rcode = dns.RcodeRefused
		return a
	}
	v := r.view.Load()
	addrs, known := v.hosts[name]
	if name == whoami {
		addrs, known = []netip.Addr{self}, true
	}
	for _, addr := range addrs {
		if rr := addressRecord(question, addr.Unmap()); rr != nil {
			a.Answer = append(a.Answer, rr)
		}
	}
	if len(a.Answer) > 0 {
		return a
	}
	if !known && !v.above[name] && name != "." {
		a.Rcode = dns.RcodeNameError
	}
	a.Ns = []dns.RR{soa(name)}
	return a
}

// addressRecord is the record of addr if it is of the type asked for, else nil. ANY gets both (RFC 8482 allows less).
func addressRecord(q dns.Question, addr netip.Addr) dns.RR {
	head := dns.RR_Header{Name: q.Name, Class: dns.ClassINET, Ttl: dnsTTL}
	switch {
	case addr.Is4() && (q.Qtype == dns.TypeA || q.Qtype == dns.TypeANY):
		head.Rrtype = dns.TypeA
		return &dns.A{Hdr: head, A: addr.AsSlice()}
	case addr.Is6() && (q.Qtype == dns.TypeAAAA || q.Qtype == dns.TypeANY):
		head.Rrtype = dns.TypeAAAA
		return &dns.AAAA{Hdr: head, AAAA: addr.WithZone("").AsSlice()}
	}
	return nil
}

// chaos answers who the server is (RFC 4892), and refuses the rest of its class.
func chaos(a *dns.Msg, q dns.Question, name string, self netip.Addr) *dns.Msg {
	if q.Qtype != dns.TypeTXT || name != "id.server." && name != "hostname.bind." {
		a.Rcode = dns.RcodeRefused
		return a
	}
	head := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeTXT, Class: dns.ClassCHAOS}
	a.Answer = []dns.RR{&dns.TXT{Hdr: head, Txt: []string{self.String()}}}
	return a
}

// soa is the record of a negative answer. Its owner is the name's top-level domain, the parent whose data a name was
// taken out of; the names in it are reserved ones (RFC 2606).
func soa(name string) dns.RR {
	owner := "."
	if labels := dns.SplitDomainName(name); len(labels) > 1 {
		owner = strings.ToLower(labels[len(labels)-1]) + "."
	}
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: owner, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: dnsTTL},
		Ns:  "ns.invalid.", Mbox: "hostmaster.invalid.",
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: dnsTTL,
	}
}
