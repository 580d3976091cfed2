package lab

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the tests find into the golden files of testdata/errors")

// A golden file is a topology, a line "---- error", and the error that reading it gives.
func TestTopologyErrors(t *testing.T) {
	const line = "---- error\n"
	files, err := filepath.Glob("testdata/errors/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		text, want, ok := strings.Cut(string(data), line)
		require.True(t, ok, file)
		_, err = ParseTopology("lab.yaml", []byte(text))
		require.Error(t, err, file)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(text+line+err.Error()+"\n"), 0o644))
			continue
		}
		require.Equal(t, strings.TrimSpace(want), err.Error(), file)
		require.NotContains(t, err.Error(), "\n", file)
	}
}

func TestShippedTopologiesAreValid(t *testing.T) {
	require.NotEmpty(t, TopologyNames())
	for _, name := range TopologyNames() {
		topology, err := OpenTopology(name)
		require.NoError(t, err)
		require.Equal(t, name, topology.Name)
		require.NotEmpty(t, topology.About)
	}
}

func TestOpenTopologySaysWhatThereIs(t *testing.T) {
	_, err := OpenTopology("nowhere")
	require.ErrorContains(t, err, "there are: internet, subscriber")
	_, err = OpenTopology("./nowhere.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestRoutesFollowTheShortestWay(t *testing.T) {
	topology, err := OpenTopology("subscriber")
	require.NoError(t, err)
	var client []string
	for _, r := range topology.routes("client") {
		client = append(client, r.to.String()+" "+r.via.String())
	}
	require.Equal(t, []string{"0.0.0.0/0 198.51.100.1", "::/0 2001:db8:1::1"}, client)
	via := map[string]string{}
	for _, r := range topology.routes("isp") {
		via[r.to.String()] = r.via.String()
	}
	require.Equal(t, "198.18.0.2", via["192.0.2.48/29"])
	require.Equal(t, "2001:db8:3::2", via["2001:db8:77::/64"])
	require.NotContains(t, via, "0.0.0.0/0", "a router knows the lab and nothing else")
	require.Len(t, via, 2*(len(topology.Links)-3))
}

func TestLinkWithBothEndsAtOneNode(t *testing.T) {
	topology, err := ParseTopology("pair.yaml", []byte(pair("")))
	require.NoError(t, err)
	topology.Links[0].Ends[1].Node = "a"
	require.ErrorContains(t, topology.Validate(), "link wire has both ends at a")
	topology.Links[0].Ends[1] = EndSpec{Node: "b"}
	require.ErrorContains(t, topology.Validate(), "b has no address on link wire")
}

func FuzzParseTopology(f *testing.F) {
	files, err := filepath.Glob("testdata/errors/*.txt")
	require.NoError(f, err)
	for _, file := range append(files, "topologies/subscriber.yaml") {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		text, _, _ := strings.Cut(string(data), "---- error\n")
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		topology, err := ParseTopology("fuzz.yaml", []byte(text))
		if err != nil {
			var e *TopologyError
			require.ErrorAs(t, err, &e)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		for _, n := range topology.nodes() {
			topology.routes(n)
		}
	})
}
