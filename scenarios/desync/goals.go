package desync

// ChangesTLS tells whether the strategy works only where Dialer.TLS makes the client's side of TLS. Otherwise any will do.
func (s Strategy) ChangesTLS() bool { return s.padding > 0 || s.x25519 || s.tls12 }

// Goals says what a client can try that the strategy changes, in the words of probes. One that does nothing has all of them.
func (s Strategy) Goals() []string {
	hello := len(s.records) > 0 || s.alerts > 0 || s.ChangesTLS() || s.marked("sni", "midsni", "endsni", "sniext")
	request := s.http != (httpChange{}) || s.marked("host", "midhost", "endhost")
	packets := s.usesRaw() || s.window > 0 || s.mss > 0 || s.syn != nil
	datagrams := len(s.udpFakes) > 0 || s.udpFragment.at > 0 || s.sourcePort > 0
	none := !request && !hello && !packets && !datagrams
	any := packets && !hello && !request || none // of what is written first
	var all []string
	if request || any {
		all = append(all, "http")
	}
	if hello || any {
		all = append(all, "https", "download")
	}
	if any {
		all = append(all, "chat")
	}
	if datagrams || none {
		all = append(all, "http3", "call")
	}
	return all
}

// marked tells whether one of these marks is where the strategy cuts.
func (s Strategy) marked(marks ...string) bool {
	places := s.cuts
	if s.oob != nil {
		places = append(append([]place(nil), places...), *s.oob)
	}
	for _, p := range places {
		for _, m := range marks {
			if p.mark == m {
				return true
			}
		}
	}
	return false
}
