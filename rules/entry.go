package rules

// CheckEntry says what is wrong with an entry of a list of domains; nil if a list takes it. It is for those who write lists.
func CheckEntry(entry string) error {
	_, err := parsePattern(entry)
	return err
}
