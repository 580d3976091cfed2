package nfq

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// maxSpread bounds the queues that share the traffic: their map has the square of it in entries (choice).
const maxSpread = 64

// spread sends each packet to one of several queues, and both directions of a flow to the same. The hook of a bridge shows no direction
// (both interfaces are the bridge) and nftables cannot put two addresses in order, so either end is hashed by itself, its address,
// protocol and port, modulo the number of queues, and a map gives each pair of hashes a queue: their sum, which is the same for both
// directions. Packets whose ports cannot be relied on, by guards, go by their addresses alone: all fragments of a packet share a queue.
func (a *attachment) spread(box *nftables.Chain) error {
	var elements []nftables.SetElement
	for sum := range uint32(a.queues) {
		c := a.conn.AddChain(&nftables.Chain{Name: fmt.Sprintf("queue%d", sum), Table: a.table})
		a.rule(c, a.queue(a.first+uint16(sum)))
		for one := range uint32(a.queues) {
			other := (sum + uint32(a.queues) - one) % uint32(a.queues)
			elements = append(elements, nftables.SetElement{Key: append(u32(one), u32(other)...),
				VerdictData: &expr.Verdict{Kind: expr.VerdictGoto, Chain: c.Name}})
		}
	}
	hash := nftables.MustConcatSetType(nftables.TypeMark, nftables.TypeMark) // 32 bits each
	queues := &nftables.Set{Table: a.table, Name: "queues", IsMap: true, Concatenation: true, KeyType: hash, DataType: nftables.TypeVerdict}
	if err := a.conn.AddSet(queues, nil); err != nil {
		return fmt.Errorf("nfq: map of queues: %w", err)
	}
	for len(elements) > 0 { // the attribute that holds those of one call is limited to 64 KiB
		n := min(len(elements), 500)
		if err := a.conn.SetAddElements(queues, elements[:n]); err != nil {
			return fmt.Errorf("nfq: map of queues: %w", err)
		}
		elements = elements[n:]
	}
	for _, f := range a.families {
		for _, g := range f.guards() {
			a.rule(box, g, a.ends(&f, true), toQueue(queues))
		}
	}
	for _, f := range a.families {
		a.rule(box, metaIs(expr.MetaKeyNFPROTO, []byte{f.nfproto}), a.ends(&f, false), toQueue(queues))
	}
	a.rule(box, a.queue(a.first)) // nothing comes here; what did must not pass unseen
	return nil
}

// ends leaves the hashes of the packet's source and destination in the first two registers.
func (a *attachment) ends(f *family, ports bool) []expr.Any {
	const from = firstRegister + 2
	port := from + f.size/4
	end := func(address, at, register uint32) []expr.Any {
		e := []expr.Any{load(expr.PayloadBaseNetworkHeader, address, f.size, from)}
		length := f.size
		if ports {
			e = append(e, load(expr.PayloadBaseTransportHeader, at, 2, port), &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: port + 1})
			length += 8 // each in a register of its own, filled up with zeros
		}
		return append(e, &expr.Hash{SourceRegister: from, DestRegister: register, Length: length, Modulus: uint32(a.queues), Seed: spreadSeed,
			Type: unix.NFT_HASH_JENKINS})
	}
	return append(end(f.src, 0, firstRegister), end(f.dst, 2, firstRegister+1)...)
}

// spreadSeed makes the hash the same in every run (choice).
const spreadSeed = 1

func toQueue(queues *nftables.Set) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: firstRegister, SetName: queues.Name, SetID: queues.ID, IsDestRegSet: true}} // into the verdict
}
