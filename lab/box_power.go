package lab

import "errors"

// Power off makes the box dead: it decides nothing, and packets pass, or do not where its profile fails closed (O022). What it
// remembers is there again when the power is back; packets that it held go the way of all others meanwhile.
func (b *Box) Power(on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || on == (b.stop != nil) {
		return nil
	}
	if !on {
		// A policy that came later may fail in another way than the daemon was told to.
		if b.closes != b.policy.Profile.FailClosed {
			if err := b.replace(); err != nil {
				return err
			}
		}
		return errors.Join(b.end(), b.daemon.FlushSets()) // with the process, the kernel would forget them
	}
	if err := b.replace(); err != nil {
		return err
	}
	b.run()
	return nil
}

// end stops the daemon's run and waits for it.
func (b *Box) end() error {
	if b.stop == nil {
		return nil
	}
	b.stop()
	b.stop = nil
	return <-b.done
}

// replace ends the daemon and attaches a new one, which does not run yet.
func (b *Box) replace() error {
	if err := errors.Join(b.end(), b.daemon.Close()); err != nil {
		return err
	}
	return b.open()
}

// blocks tells whether the box is dead and its wire closed.
func (b *Box) blocks() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stop == nil && b.closes
}
