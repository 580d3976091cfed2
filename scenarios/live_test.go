package scenarios

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The flagship scenario comes out as its file says, on real packets.
func TestWhatsAppFullBlock(t *testing.T) {
	s, err := Open("whatsapp-full-block")
	require.NoError(t, err)
	report, err := Run(t.Context(), Options{Scenario: s, Seed: 1})
	require.NoError(t, err)
	require.NoError(t, report.WriteTable(os.Stdout, TableOptions{}))
	for _, p := range report.Phases {
		t.Log(p.Name, p.Took)
	}
	require.True(t, report.OK())
}
