// Package oracle is a detector of the kind that users run to find out what their line does: it knows nothing but what a client sees, and
// names the policy that it sits behind.
//
// It has tests, such as fetches of growing size, many small writes on one connection, and four handshakes of Chrome's in a row, each of
// which comes to a Word. What the words are behind each shipped policy stands in signatures.yaml, written from the policies' files: each entry
// names the rule that it follows from. Name compares: the policies with the fewest disagreements are those that it can be.
package oracle
