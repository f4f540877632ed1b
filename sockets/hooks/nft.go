package hooks

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// chains are the hooks of netfilter, by the names of the places.
var chains = map[string]struct {
	family nftables.TableFamily
	hook   *nftables.ChainHook
}{
	"output":         {nftables.TableFamilyIPv4, nftables.ChainHookOutput},
	"postrouting":    {nftables.TableFamilyIPv4, nftables.ChainHookPostrouting},
	"netdev-egress":  {nftables.TableFamilyNetdev, nftables.ChainHookEgress},
	"netdev-ingress": {nftables.TableFamilyNetdev, nftables.ChainHookIngress},
	"prerouting":     {nftables.TableFamilyIPv4, nftables.ChainHookPrerouting},
	"input":          {nftables.TableFamilyIPv4, nftables.ChainHookInput},
}

// rule is a table of nftables with one chain and one rule.
type rule struct {
	Put
	conn  *nftables.Conn
	chain *nftables.Chain
}

func (a *agent) putRule(p Place, o put) (hooked, error) {
	c := chains[p.Name]
	conn, err := nftables.New()
	if err != nil {
		return nil, err
	}
	table := conn.AddTable(&nftables.Table{Family: c.family, Name: "fd3-" + p.Name})
	accept := nftables.ChainPolicyAccept
	chain := &nftables.Chain{Name: p.Name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: c.hook, Priority: nftables.ChainPriorityFilter, Policy: &accept}
	r := &rule{Put: Put{Place: p.Name, Means: NFTables, How: "the hook " + hookName(p)}, conn: conn, chain: chain}
	if c.family == nftables.TableFamilyNetdev {
		chain.Device = device
		r.How += " of " + device
	}
	conn.AddChain(chain)
	exprs, words := o.rule()
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: exprs})
	if err := conn.Flush(); err != nil {
		return nil, fmt.Errorf("nftables, %s: %w", p.Name, err)
	}
	if o.Show {
		r.Program = words
	}
	return r, nil
}

// hookName is what nft(8) calls a place.
func hookName(p Place) string {
	switch p.Name {
	case "netdev-egress":
		return "egress"
	case "netdev-ingress":
		return "ingress"
	}
	return p.Name
}

// rule is what is put there for the verb, and the same in the words of nft(8).
func (o put) rule() (all []expr.Any, words []Line) {
	add := func(code, does string, e ...expr.Any) {
		all = append(all, e...)
		words = append(words, Line{code, does})
	}
	add(fmt.Sprintf("udp dport %d", o.Port), "only what is for this port",
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_UDP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(o.Port)})
	add("counter", "count it, and its bytes", &expr.Counter{})
	switch o.Verb {
	case Drop:
		add("drop", "throw it away", &expr.Verdict{Kind: expr.VerdictDrop})
	case Rewrite:
		add("ip dscp set ef", "another type of service, and the checksum of the header with it",
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 0, Len: 2},
			&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 2, Mask: []byte{0xff, 0x03}, Xor: []byte{0, Service}},
			&expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 0, Len: 2, CsumType: expr.CsumTypeInet, CsumOffset: 10})
	case Redirect:
		add(fmt.Sprintf("dup to %q", aside), "a copy of it out of another interface",
			&expr.Immediate{Register: 1, Data: binaryutil.NativeEndian.PutUint32(uint32(o.aside))},
			&expr.Dup{RegAddr: 1, RegDev: 1, IsRegDevSet: true})
		add("drop", "and not this way", &expr.Verdict{Kind: expr.VerdictDrop})
	}
	return all, words
}

func (r *rule) put() Put { return r.Put }

func (r *rule) read() (s Seen) {
	rules, err := r.conn.GetRules(r.chain.Table, r.chain)
	if err != nil {
		return s
	}
	for _, found := range rules {
		for _, e := range found.Exprs {
			if c, ok := e.(*expr.Counter); ok {
				s.Packets = int(c.Packets)
				if s.Packets > 0 {
					s.Length = int(c.Bytes) / s.Packets
				}
			}
		}
	}
	return s
}

func (r *rule) remove() error {
	r.conn.DelTable(r.chain.Table)
	return r.conn.Flush()
}
