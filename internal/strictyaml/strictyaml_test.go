package strictyaml

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parse(t *testing.T, text string) Node {
	t.Helper()
	n, err := Parse("a.yaml", []byte(text), "menu")
	require.NoError(t, err)
	return n
}

func TestRead(t *testing.T) {
	top := parse(t, "\ufeffname: soup-1\r\nabout: >\r\n  hot\r\n  soup\r\nparts: [salt, 007, yes]\r\nsize: big\r\nnone: {}\r\n...\r\n")
	require.True(t, top.IsMapping())
	fields, err := top.Fields("a menu", "about", "name", "none", "parts", "size")
	require.NoError(t, err)
	require.Equal(t, []string{"name", "about", "parts", "size", "none"}, names(fields), "in the order of the file")
	require.NoError(t, top.Require(fields, "menu", "name", "size"))
	require.Nil(t, Find(fields, "price"))

	name, err := Find(fields, "name").Label("a dish")
	require.NoError(t, err)
	require.Equal(t, "soup-1", name)
	about, err := Find(fields, "about").Prose("a sentence")
	require.NoError(t, err)
	require.Equal(t, "hot soup", about)
	parts, err := Find(fields, "parts").Texts("a list of parts", "a part")
	require.NoError(t, err)
	require.Equal(t, []string{"salt", "007", "yes"}, parts, "as written")
	size := Find(fields, "size")
	i, err := size.OneOf("small", "big")
	require.NoError(t, err)
	require.Equal(t, 1, i)
	one, err := size.OneOrMore("sizes")
	require.NoError(t, err)
	require.Equal(t, []Node{size.Node}, one)
	require.Equal(t, 6, size.Key.Line())
	require.True(t, Find(fields, "none").IsEmpty())
	require.False(t, top.IsEmpty())
	require.True(t, Node{}.IsZero())
	require.EqualError(t, Node{File: "a.yaml"}.Fail("wrong"), "a.yaml: wrong")
}

func names(fields []Field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.Name
	}
	return all
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "a.yaml:1:1: found nothing, expected a menu",
		"# only a comment\n":                "a.yaml:1:1: found nothing, expected a menu",
		"a: 1\n---\nb: 2\n":                 "a.yaml:3:1: found a second document, expected one menu in a file",
		"a: 1\n---\n---\nb: 2\n":            "a.yaml:2:1: found a second document, expected one menu in a file",
		"a: [1\n":                           "a.yaml:1:4: not YAML: sequence end token ']' not found",
		strings.Repeat("[", 40):             "a.yaml: found lists 40 deep in each other, expected at most 32",
		strings.Repeat("- ", 40) + "a":      "a.yaml: found lists 40 deep in each other, expected at most 32",
		strings.Repeat("#", maxSize) + "\n": "a.yaml: found 1048577 bytes, expected at most 1048576",
	} {
		_, err := Parse("a.yaml", []byte(text), "menu")
		require.EqualError(t, err, want, "%.40q", text)
		require.IsType(t, &Error{}, err)
	}
}

func TestFieldsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"- a":                "a.yaml:1:1: found a list, expected a menu",
		"[]":                 "a.yaml:1:1: found an empty list, expected a menu",
		"{}":                 "a.yaml:1:1: found nothing in the brackets, expected a menu",
		"soup":               `a.yaml:1:1: found "soup", expected a menu`,
		"soup: 1\nsalat: 2":  `a.yaml:2:1: found the key "salat", expected soup, salad or tea; did you mean "salad"?`,
		"soup: 1\ncake: 2":   `a.yaml:2:1: found the key "cake", expected soup, salad or tea`,
		"tea: 1\n\"tea\": 2": `a.yaml:2:1: found the key "tea" twice, expected it once; the first is in line 1`,
		"? |\n  soup\n: 1":   `a.yaml:1:1: found "?", expected a key: soup, salad or tea`,
		"x: &x {}":           `a.yaml:1:1: found the key "x", expected soup, salad or tea`,
		"&x {soup: 1}":       "a.yaml:1:1: found an anchor, alias or tag, expected a menu",
		"!!map {soup: 1}":    "a.yaml:1:1: found an anchor, alias or tag, expected a menu",
		"<<: {soup: 1}":      "a.yaml:1:1: found an anchor, alias or tag, expected a key: soup, salad or tea",
		"|\n soup":           "a.yaml:1:1: found a text block, expected a menu",
	} {
		_, err := parse(t, text).Fields("a menu", "soup", "salad", "tea")
		require.EqualError(t, err, want, "%.40q", text)
	}
	_, err := parse(t, "*a : 1").Fields("dishes")
	require.EqualError(t, err, "a.yaml:1:1: found an anchor, alias or tag, expected a key")
	top := parse(t, "\nsoup: 1")
	fields, err := top.Fields("dishes")
	require.NoError(t, err)
	require.EqualError(t, top.Require(fields, "menu", "soup", "tea"), `a.yaml:2:1: found a menu without the key "tea", expected soup and tea`)
}

func TestValueErrors(t *testing.T) {
	value := func(text string) Node {
		fields, err := parse(t, "key: "+text).Fields("a mapping")
		require.NoError(t, err)
		return fields[0].Node
	}
	_, err := value("").Text("a word")
	require.EqualError(t, err, "a.yaml:1:6: found nothing, expected a word")
	_, err = value(`" "`).Text("a word")
	require.EqualError(t, err, `a.yaml:1:6: found " ", expected a word`)
	_, err = value(`"a\nb"`).Text("a word")
	require.EqualError(t, err, `a.yaml:1:6: found "a\nb", expected a word`)
	_, err = value(strings.Repeat("a", 100)).Label("a number")
	require.NoError(t, err)
	_, err = value(strings.Repeat("A", 100)).Label("a name")
	require.EqualError(t, err, `a.yaml:1:6: found "`+strings.Repeat("A", 80)+`" and 20 bytes more, expected a name of small letters, digits and hyphens`)
	_, err = value("uo").OneOf("up", "down")
	require.EqualError(t, err, `a.yaml:1:6: found "uo", expected up or down; did you mean "up"?`)
	_, err = value("a").Items("a list")
	require.EqualError(t, err, `a.yaml:1:6: found "a", expected a list`)
	_, err = value("[]").OneOrMore("words")
	require.EqualError(t, err, "a.yaml:1:6: found an empty list, expected words")
	_, err = value("[a, {b: c}]").Texts("words", "a word")
	require.EqualError(t, err, "a.yaml:1:10: found a mapping, expected a word")
	_, err = value("\n  - |\n    b").Texts("words", "a word")
	require.EqualError(t, err, "a.yaml:2:5: found a text block, expected a word")
	require.EqualError(t, value("one twö three").FailAt(9, "three"), "a.yaml:1:14: three", "columns are letters")
	require.EqualError(t, value("'one two'").FailAt(4, "two"), "a.yaml:1:11: two", "behind the quote")
}

func TestErrorSaysWhatItKnows(t *testing.T) {
	require.EqualError(t, &Error{File: "a.yaml", Column: 2, Text: "wrong"}, "a.yaml: wrong")
	require.EqualError(t, &Error{File: "a.yaml", Line: 3, Text: "wrong"}, "a.yaml:3: wrong")
	require.EqualError(t, &Error{File: "a.yaml", Line: 3, Column: 2, Text: "wrong"}, "a.yaml:3:2: wrong")
}

func TestSuggest(t *testing.T) {
	words := []string{"drop", "reset", "police"}
	require.Equal(t, `; did you mean "drop"?`, Suggest("dorp", words))
	require.Equal(t, `; did you mean "police"?`, Suggest("polices", words))
	require.Empty(t, Suggest("capacity", words))
	require.Empty(t, Suggest("drop", words), "the word itself is no suggestion")
	require.Empty(t, Suggest(strings.Repeat("drop", 20), words))
	require.Equal(t, []string{"", "a", "a or b", "a, b or c"}, []string{OrList(nil), OrList([]string{"a"}), OrList([]string{"a", "b"}), OrList([]string{"a", "b", "c"})})
}

// FuzzParse: no file ends the program, whatever is asked of its parts, and an error is one line with a place.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../rules/testdata/errors/*.yaml")
	require.NoError(f, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add([]byte("a: {b: &c [d, *c, !e f]}\n<<: \"g\"\n? h\n: |\n  i\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse("fuzz.yaml", data, "menu")
		if err != nil {
			oneLine(t, err)
			return
		}
		walk(t, n)
	})
}

func walk(t *testing.T, n Node) {
	for _, ask := range []func(string) (string, error){n.Text, n.Prose, n.Label} {
		_, err := ask("a word")
		oneLine(t, err)
	}
	_, err := n.OneOf("up", "down")
	oneLine(t, err)
	word, _ := n.Word()
	oneLine(t, n.FailAt(len(word)/2, "wrong"))
	require.Positive(t, n.Line())
	fields, err := n.Fields("a mapping")
	oneLine(t, err)
	for _, field := range fields {
		walk(t, field.Key)
		walk(t, field.Node)
	}
	items, err := n.Items("a list")
	oneLine(t, err)
	for _, item := range items {
		walk(t, item)
	}
}

func oneLine(t *testing.T, err error) {
	if err != nil {
		require.IsType(t, &Error{}, err)
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string]string{"key: a b": "a b", "key: |\n  a\n  b\n": "a\nb\n", "key: >-\n  a\n  b\n": "a b", "key: 'a\n\n  b'": "a\nb"} {
		fields, err := parse(t, text).Fields("a mapping")
		require.NoError(t, err)
		got, err := fields[0].Lines("words")
		require.NoError(t, err, "%q", text)
		require.Equal(t, want, got, "%q", text)
	}
	fields, err := parse(t, "key: |\n  \n").Fields("a mapping")
	require.NoError(t, err)
	_, err = fields[0].Lines("words")
	require.EqualError(t, err, "a.yaml:1:6: found a text block, expected words")
}
