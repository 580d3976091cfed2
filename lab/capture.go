package lab

type Capture struct{}

func (c *Capture) Stop() (int, error) { return 0, nil }
