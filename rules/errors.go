package rules

import "dpilab/internal/strictyaml"

// Error is what is wrong with a policy or a list, and where. Its message is one line.
type Error = strictyaml.Error
