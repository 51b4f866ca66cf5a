package main

import (
	"strings"

	"golang.org/x/mod/module"
)

type pathVector struct {
	Path, Prefix, PathMajor string
	Module, Import, Split   bool
	Escaped                 *string
}

func modulePaths() (vectors []pathVector) {
	for _, path := range pathInputs() {
		prefix, pathMajor, split := module.SplitPathVersion(path)
		vectors = append(vectors, pathVector{
			Path: path, Prefix: prefix, PathMajor: pathMajor, Split: split,
			Module:  module.CheckPath(path) == nil,
			Import:  module.CheckImportPath(path) == nil,
			Escaped: orNull(module.EscapePath(path)),
		})
	}
	return vectors
}

func pathInputs() []string {
	paths := strings.Split(`
example.com
example.com/
/example.com
example.com//a
example
example/a.b
.example.com
example.com.
-example.com
exa-mple.com/-a
example.com/.a
example.com/a.
example.com/a..b
example.com/..
example.com/...
example.com/a/./b
example.com/../b
EXAMPLE.com/a
Example.com
example.com/Azure
github.com/Azure/azure-sdk-for-go
github.com/GoogleCloudPlatform/cloudsql-proxy
github.com/BurntSushi/toml
example.com/a_b~c
example_x.com/a
example.com/a+b
a+b.com/c
example.com/a!b
example.com/a@v1
example.com/a b
example.com/a:b
example.com/a%20b
example.com/a\b
example.com/a"b
example.com/a'b
example.com/a*b
example.com/a?b
example.com/a#b
example.com/a=b
example.com/a,b
example.com/ä
exämple.com/a
example.com/日本
example.com/v1
example.com/v0
example.com/v2
example.com/v02
example.com/v10
example.com/v1.2
example.com/v2.
example.com/v2.0
example.com/v
example.com/v2/v3
example.com/v2/a
example.com/a/v2
example.com/av2
example.com/a.v2
example.com/vv2
example.com/2
example.com/1.2
example.com/V2
example.com/v99999999999999999999
v2
/v2
a.b/v2
a.b/v1
v2.com
.v2
gopkg.in/yaml
gopkg.in/yaml.v0
gopkg.in/yaml.v00
gopkg.in/yaml.v1
gopkg.in/yaml.v01
gopkg.in/yaml.v2
gopkg.in/yaml.v2-unstable
gopkg.in/yaml.v2-unstable-unstable
gopkg.in/yaml-unstable
gopkg.in/yaml.v-unstable
gopkg.in/yaml.v
gopkg.in/yaml/v2
gopkg.in/yaml.v2/v3
gopkg.in/yaml.v2.1
gopkg.in/user/pkg.v3
gopkg.in/
gopkg.in
gopkg.in/.v2
gopkg.in/a/.v2
gopkg.in/v2
gopkg.in/a.v2/b
gopkg.in/a.v2-UNSTABLE
gopkg.inn/a.v2
example.com/con
example.com/CON
example.com/con.txt
example.com/Con.a/b
example.com/cons
example.com/aux
example.com/com1
example.com/com0
example.com/com10
example.com/lpt9.x
example.com/nul
example.com/prn.a
con.example/a
example.com/a~1
example.com/a~12
example.com/a~1b
example.com/a~
example.com/~1
example.com/~
example.com/a~1.b
example.com/a.b~1
example.com/a~b~2
example.com/~a1
golang.org/toolchain
sum.golang.org/x
a.b
a..b
1.2
1.2/3
0.0.0.0/x
localhost/x
localhost:8080/x
x/y.z
`, "\n")[1:]
	paths = append(paths, "a.b/\x00", "a.b/\x7f", "a.b/\t", "a.b/\u00a0", "a.b/\u212a", "a.b/"+strings.Repeat("x", 2000),
		"a.b/"+strings.Repeat("v2/", 300)+"v2", "\ufffd.com")
	// Every printable character at the beginning, in the middle and at the end of an element.
	for c := rune(' '); c <= '~'; c++ {
		s := string(c)
		paths = append(paths, "a.b/"+s+"x", "a.b/x"+s+"x", "a.b/x"+s, s+"a.b/x", "a"+s+"b.c")
	}
	return paths
}

type fileVector struct {
	Path string
	File bool
}

func filePaths() (vectors []fileVector) {
	paths := []string{
		"", "a", "a/b", "/a", "a/", "a//b", ".a", "a.", "..", ".", "a/../b", "-a", "a/-b", "LICENSE", "go.mod", "GO.MOD",
		"con", "a/Aux.go", "com9.txt", "nul.tar.gz", "a~1", "a~1.go", "ä", "日本語.go", "é", "e\u0301", "K", "a\u00a0b", "a b",
		"😀.go", "№", "ʰ", "ª", "²", "Ⅷ", "a\tb", "a\nb", "a\x00b", "a\\b", "a:b", "ﬁ", "ß", "\u200d", "ǅ",
		strings.Repeat("a/", 500) + "b",
	}
	for c := rune(' '); c <= '~'; c++ {
		paths = append(paths, "x"+string(c)+"x", string(c))
	}
	for _, path := range paths {
		vectors = append(vectors, fileVector{path, module.CheckFilePath(path) == nil})
	}
	return vectors
}

type escapedVector struct {
	Text                                 string
	Path, Version, Unescaped, UnescapedV *string
}

func escapedNames() (vectors []escapedVector) {
	for _, text := range []string{
		"github.com/!azure/x", "github.com/!Azure", "github.com/Azure", "github.com/!!azure", "github.com/a!", "!github.com/a",
		"github.com/!azure!", "github.com/!1", "github.com/!-a", "github.com/! a", "github.com/!ä", "github.com/ä", "a.b/c!d!e!f",
		"!a.b/c", "a.b/!v2", "a.b/v2", "a.b/v1", "gopkg.in/!user/a.v2", "gopkg.in/a", "", "!", "!a", "a", "A",
		"v1.0.0", "v1.0.0-!r!c1", "v1.0.0-RC1", "v1.0.0-rc1!", "v1.0.0+incompatible", "v1.0.0+!meta", "master", "main", "!main",
		"Main", "feature/x", "a!b", "a b", "a\\b", "a:b", "..", ".", "a..", "con", "!c!o!n", "nul.x", "a~1", "ä", "v1.2.3\n",
		"a\"b", "a*b", "a?b", "a<b", "a|b", "a@b", "a%b", "a#b", "a=b", "0123456789abcdef", "\x7f", "a\x00", "[x]", "x{1}",
	} {
		vectors = append(vectors, escapedVector{
			Text: text,
			Path: orNull(module.EscapePath(text)), Unescaped: orNull(module.UnescapePath(text)),
			Version: orNull(module.EscapeVersion(text)), UnescapedV: orNull(module.UnescapeVersion(text)),
		})
	}
	return vectors
}
