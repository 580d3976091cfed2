package lab

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// installLine makes the rule that queues everything that crosses the bridge. Without a reader packets are dropped.
func installLine(netns int) error {
	native := &expr.Queue{Num: lineNumber, Total: 1}
	err := installQueueRule(netns, native)
	if !errors.Is(err, unix.ENOENT) {
		return err
	}
	// A kernel without nft_queue still has the xt target: struct xt_NFQ_info_v3, padded to 8 bytes.
	info := make([]byte, 8)
	binary.NativeEndian.PutUint16(info[0:], lineNumber)
	binary.NativeEndian.PutUint16(info[2:], 1)
	data := xt.Unknown(info)
	err = installQueueRule(netns, &expr.Target{Name: "NFQUEUE", Rev: 3, Info: &data})
	if err != nil {
		return asFeature(err, "nft_queue and the NFQUEUE target (CONFIG_NFT_QUEUE, or CONFIG_NFT_COMPAT and CONFIG_NETFILTER_XT_TARGET_NFQUEUE)")
	}
	return nil
}

func installQueueRule(netns int, queue expr.Any) error {
	c, err := nftables.New(nftables.WithNetNSFd(netns))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "delay"})
	chain := c.AddChain(&nftables.Chain{
		Name: "line", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter,
	})
	c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: []expr.Any{queue}})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("install the queue rule: %w", err)
	}
	return nil
}
