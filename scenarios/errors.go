package scenarios

import "dpilab/internal/strictyaml"

// Error is what is wrong with a scenario file, and where. Its message is one line.
type Error = strictyaml.Error
