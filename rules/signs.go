package rules

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

// Signs gives what the engine must look for. The caller must not change it.
func (c *Compiled) Signs() *Signs { return &c.signs }

// Chances gives the draws of a flow that opens. The caller must not change it.
func (c *Compiled) Chances() []ChanceRule { return c.chances }
