package rules

import (
	"net/netip"
	"net/url"
	"strings"

	"dpilab/internal/strictyaml"
)

const countForm = "5..8 packets, 2 data packets, 3 payload packets or 16KB..20KB, and up or down behind it if one direction counts"

func readDirection(n strictyaml.Node) (Direction, error) {
	i, err := n.OneOf(directionNames[:]...)
	return Direction(i), err
}

func readReset(n strictyaml.Node, d *Do) error {
	i, err := n.OneOf("server packet", "both ends", "client", "server")
	d.Inject = i > 0
	d.Direction = [...]Direction{Both, Both, Down, Up}[i]
	return err
}

// readCount reads what still passes: an amount, its unit, and the direction that counts.
func readCount(n strictyaml.Node) (Count, error) {
	s, _ := n.Word()
	return parseCount(n, s)
}

// readCounts reads one count, or two with "or" between them.
func readCounts(n strictyaml.Node) (first, second Count, err error) {
	s, _ := n.Word()
	head, tail, two := strings.Cut(s, " or ")
	if first, err = parseCount(n, head); err == nil && two {
		second, err = parseCount(n, tail)
	}
	if err == nil && two && first.Unit == second.Unit && first.Direction == second.Direction {
		err = n.Fail("found two counts of the same, expected one")
	}
	return first, second, err
}

func parseCount(n strictyaml.Node, s string) (c Count, err error) {
	for _, d := range [...]Direction{Up, Down} {
		if head, ok := strings.CutSuffix(s, " "+d.String()); ok {
			s, c.Direction = head, d
		}
	}
	head, packets := cutUnit(s, "packet")
	if !packets {
		c.Unit = UnitBytes
		c.Range, err = parseSpan(n, s, countForm, func(s string) (int, bool) {
			v, ok := amount(s, sizeUnits)
			return int(v), ok && v <= maxCount
		})
		return c, err
	}
	if s, ok := strings.CutSuffix(head, " data"); ok {
		head, c.Unit = s, UnitData
	} else if s, ok := strings.CutSuffix(head, " payload"); ok {
		head, c.Unit = s, UnitPayload
	}
	c.Range, err = parseSpan(n, head, countForm, func(s string) (int, bool) { return whole(s, 1, 1000) })
	return c, err
}

// cutUnit cuts " packets" from "5 packets", and " packet" from "1 packet".
func cutUnit(s, unit string) (string, bool) {
	if head, ok := strings.CutSuffix(s, " "+unit+"s"); ok {
		return head, true
	}
	head, ok := strings.CutSuffix(s, " "+unit)
	return head, ok && (head == "1" || strings.HasPrefix(head, "1 "))
}

// readLimit reads the flows that are still let be.
func readLimit(n strictyaml.Node) (int, error) {
	s, _ := n.Word()
	head, ok := cutUnit(s, "flow")
	v, number := whole(head, 1, 1000)
	if !ok || !number {
		return 0, n.Expected("a number of flows such as 3 flows, from 1 to 1000")
	}
	return v, nil
}

// maxCount is how many bytes may pass before a mechanism begins: more is no test of it.
const maxCount = 1 << 30

// limitKeys are the words of a limit's per, in the order of the bits.
var limitKeys = []string{"client", "server", "server/24", "sni", "ja4"}

// readPer reads what has a count or a bucket of its own.
func readPer(n strictyaml.Node, d *Do) error {
	if d.Mechanism == MechanismPolice {
		i, err := n.OneOf("flow", "subscriber")
		d.Subscriber = i == 1
		return err
	}
	keys, err := enums[LimitKey](n, limitKeys)
	for _, k := range keys {
		d.Keys |= 1 << k
	}
	if err == nil && d.Keys&LimitServer != 0 && d.Keys&LimitServer24 != 0 {
		return n.Fail("found server beside server/24, expected one of the two")
	}
	return err
}

func readAnswer(n strictyaml.Node, d *Do) error {
	const what = "nxdomain, refused, or addresses: one of IPv4, one of IPv6, or both"
	switch s, _ := n.Word(); s {
	case "nxdomain":
		d.Answer = AnswerNXDomain
		return nil
	case "refused":
		d.Answer = AnswerRefused
		return nil
	default:
		if _, err := netip.ParseAddr(s); err != nil {
			if _, err := n.Items(what); err != nil {
				return n.Fail("found %s, expected %s%s", n.Describe(), what, strictyaml.Suggest(s, []string{"nxdomain", "refused"}))
			}
		}
	}
	var err error
	d.Answer = AnswerAddress
	d.Addresses, err = readAddresses(n)
	return err
}

// maxPage leaves room for the head of an answer in one packet.
const maxPage = 1000

// readPage reads the URL of a stub page: it becomes a header, so it must be plain.
func readPage(n strictyaml.Node) (string, error) {
	const what = `a URL such as "http://blocked.example/"`
	s, _ := n.Word()
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(s) > maxPage {
		return "", n.Expected(what)
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return "", n.Fail("found %s, expected a URL without spaces, and other letters written as %%xx", n.Describe())
		}
	}
	return s, nil
}

// readAddresses reads at most one address of each family.
func readAddresses(n strictyaml.Node) ([]netip.Addr, error) {
	const what = "one IPv4 address, one IPv6 address, or both"
	items, err := n.OneOrMore(what)
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, item := range items {
		s, _ := item.Word()
		a, err := netip.ParseAddr(strings.TrimSpace(s))
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return nil, item.Expected("an address")
		}
		for _, b := range all {
			if a.Is4() == b.Is4() {
				return nil, item.Fail("found %s beside %s, expected %s", a, b, what)
			}
		}
		all = append(all, a)
	}
	return all, nil
}
