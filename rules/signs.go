package rules

import "fmt"

// Signs are what the rules of a policy ask for beyond the facts that every flow has: each is a bit of Facts.Signs, which the
// engine sets when it sees it. The zero value asks for nothing.
type Signs struct {
	Extensions []ExtensionSign
	Payloads   []PayloadSign
	Tricks     [TrickCount]uint64 // the bit of each; 0 where no rule asks
}

// ExtensionSign is an extension of a ClientHello.
type ExtensionSign struct {
	Extension
	Bit uint64
}

// PayloadSign is what one packet's payload must have.
type PayloadSign struct {
	Stretches []Stretch
	Bit       uint64
}

// ChanceRule is a rule that is not for every flow; Bit is its in Facts.Lost.
type ChanceRule struct {
	Chance
	Rule int
	Bit  uint64
}

// maxSigns is how many different signs, and how many rules with a chance, a policy may have.
const maxSigns = 64

// signsBuilder numbers what the rules ask for; who asks for the same has the same bit.
type signsBuilder struct {
	Signs
	payloads map[string]uint64
	last     int
}

func (b *signsBuilder) bit() (uint64, error) {
	if b.last == maxSigns {
		return 0, fmt.Errorf("one sign too many: at most %d different extensions, payloads and tricks of all rules of a policy", maxSigns)
	}
	b.last++
	return 1 << (b.last - 1), nil
}

// ask enters what the condition asks for into w: a set of bits for each of its keys, one of which must be there.
func (b *signsBuilder) ask(from *Condition, w *condition) error {
	var extensions, payloads, tricks uint64
	for _, e := range from.Extension {
		bit, err := b.extension(e)
		if err != nil {
			return err
		}
		extensions |= bit
	}
	for _, p := range from.Payload {
		bit, err := b.payload(p)
		if err != nil {
			return err
		}
		payloads |= bit
	}
	for _, t := range from.Trick {
		if b.Tricks[t] == 0 {
			var err error
			if b.Tricks[t], err = b.bit(); err != nil {
				return err
			}
		}
		tricks |= b.Tricks[t]
	}
	for _, set := range []uint64{extensions, payloads, tricks} {
		if set != 0 {
			w.signs = append(w.signs, set)
		}
	}
	return nil
}

func (b *signsBuilder) extension(e Extension) (uint64, error) {
	if e.Length < 0 {
		e.Length = -1
	}
	for _, s := range b.Extensions {
		if s.Extension == e {
			return s.Bit, nil
		}
	}
	bit, err := b.bit()
	b.Extensions = append(b.Extensions, ExtensionSign{e, bit})
	return bit, err
}

func (b *signsBuilder) payload(p Payload) (uint64, error) {
	all, err := parseStretches(p.Stretches)
	if err != nil {
		return 0, err
	}
	written := writeStretches(all)
	if bit := b.payloads[written]; bit != 0 {
		return bit, nil
	}
	bit, err := b.bit()
	b.payloads[written] = bit
	b.Payloads = append(b.Payloads, PayloadSign{all, bit})
	return bit, err
}

// drawn enters the chance of a rule.
func (c *Compiled) drawn(rule int) error {
	chance := c.Rules[rule].Chance
	if chance.Share == 0 {
		return nil
	}
	if len(c.chances) == maxSigns {
		return fmt.Errorf("one chance too many: at most %d rules of a policy may have one", maxSigns)
	}
	bit := uint64(1) << len(c.chances)
	c.tests[rule].lost = bit
	c.chances = append(c.chances, ChanceRule{chance, rule, bit})
	return nil
}

// Signs gives what the engine must look for. The caller must not change it.
func (c *Compiled) Signs() *Signs { return &c.signs }

// Chances gives the draws of a flow that opens. The caller must not change it.
func (c *Compiled) Chances() []ChanceRule { return c.chances }
