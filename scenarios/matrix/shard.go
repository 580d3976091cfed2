package matrix

import (
	"strconv"
	"strings"
)

// Shard is a part of a plan. The zero value is the whole.
//
// Tools are dealt out in turn, whole, so that a tool is started and its reference measured in one place, and so that variants of a
// program, which cost much the same, go to different shards. Those that are left when the tools do not go up evenly are cut by phase,
// every n-th phase to the same shard. What a machine has installed does not matter: all shards together are the plan, each cell once.
type Shard struct {
	Index int // from 1
	Of    int
}

// ParseShard reads "2/4".
func ParseShard(text string) (Shard, error) {
	index, of, _ := strings.Cut(text, "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	s := Shard{i, n}
	if err != nil || err2 != nil || n == 0 || s.check() != nil {
		return Shard{}, fail("found the shard %q, expected NUMBER/SHARDS, such as 2/4 for the second of four", text)
	}
	return s, nil
}

// String is "2/4", "" for the whole.
func (s Shard) String() string {
	if s.Of == 0 {
		return ""
	}
	return strconv.Itoa(s.Index) + "/" + strconv.Itoa(s.Of)
}

const maxShards = 10_000

func (s Shard) check() error {
	if s == (Shard{}) || s.Of >= 1 && s.Of <= maxShards && s.Index >= 1 && s.Index <= s.Of {
		return nil
	}
	return fail("found the shard %d of %d, expected one of 1 to %d shards", s.Index, s.Of, maxShards)
}

// has tells whether a cell is the shard's: that of a tool and a column, by their places in a plan with so many tools.
func (s Shard) has(tool, column, tools int) bool {
	if s.Of == 0 {
		return true
	}
	turn := tool
	if whole := tools - tools%s.Of; tool >= whole {
		turn = tool - whole + column
	}
	return turn%s.Of == s.Index-1
}
