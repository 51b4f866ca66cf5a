package main

import (
	"golang.org/x/mod/modfile"
)

type retraction struct{ Low, High, Rationale string }

type goModVector struct {
	Text   string
	Module *string
	// Whether the go command can use it as a dependency's; the rest is empty where it cannot.
	Usable         bool
	Go, Deprecated *string
	Retract        []retraction
}

func goModFiles() (vectors []goModVector) {
	for _, text := range goModInputs {
		vector := goModVector{Text: text, Retract: []retraction{}}
		if path := modfile.ModulePath([]byte(text)); path != "" {
			vector.Module = &path
		}
		if file, err := modfile.ParseLax("go.mod", []byte(text), nil); err == nil {
			vector.Usable = true
			if file.Go != nil {
				vector.Go = &file.Go.Version
			}
			if file.Module != nil && file.Module.Deprecated != "" {
				vector.Deprecated = &file.Module.Deprecated
			}
			for _, each := range file.Retract {
				vector.Retract = append(vector.Retract, retraction{each.Low, each.High, each.Rationale})
			}
		}
		vectors = append(vectors, vector)
	}
	return vectors
}

var goModInputs = []string{
	"", "\n", "module a.b/c", "module a.b/c\n", "module a.b/c\r\n", "\tmodule\ta.b/c \t\n", "module \"a.b/c\"\n", "module `a.b/c`\n", "module 'a.b/c'\n",
	"module a.b/c // comment\n", "module a.b//c\n", "module \"a.b//c\"\n", "// module x\nmodule y.z\n", "modulea.b\nmodule y.z\n", "module\nmodule y.z\n",
	"module a b\n", "module (\n\ta.b/c\n)\n", "module \"a\\x62c\"\n", "module \"a\\u00e4\"\n", "module \"a\\142\"\n", "module \"a\\q\"\n", "module \"a\n",
	"module \"a\" b\n", "module \"\"\n", "module \"a\\\"b\"\n", "module \"\\ud800\"\n", "module \"\\U00110000\"\n", "module \"a\tb\"\n", "module `a\\b`\n",
	"\ufeffmodule a.b\n", "module\u00a0a.b\n", "module \u00a0a.b\n", "module\u0085a.b\n", "module a.b\u2003\n", "module\va.b\n", "module a.b\x00\n", "module\x00a\n",
	"require x v1.0.0\nmodule late.example/m\n", "module a.b\nmodule c.d\n", "/* x */ module a\n", "module a /* x */\n", "module a/*x\n",
	"module a.b\n\ngo 1.24\n", "module a.b\ngo 1.24.3\n", "go 1.24rc1\n", "go 1.24.0-custom\n", "go v1.24.x\n", "go 1\n", "go 2\n", "go 0.9\n", "go 1.024\n",
	"go 1.24 x\n", "go\n", "go 1.2\ngo 1.3\n", "go (\n\t1.24\n)\n", "go \"1.24\"\n", "go go1.24\n", "go 1.24 // x\n", "go 1.24.\n", "go 1.a\n", "go 1.24a\n", "go 1.24ü\n", "go 1.21.3.4\n",
	"module a\nretract v1.0.0\n", "retract v1.0.0 // oops\n", "// why\nretract v1.0.0\n", "// why\n// twice\nretract v1.0.0 // and here\n",
	"// far\n\nretract v1.0.0\n", "retract [v1.0.0, v1.2.0]\n", "retract [ v1.0.0 , v1.2.0 ] // both\n", "retract [v1.0.0,v1.2.0]\n", "retract [v1.0.0]\n",
	"retract [v1.0.0, v1.2.0\n", "retract v1\n", "retract bad\n", "retract\n", "retract v1.0.0 v1.1.0\n", "retract \"v1.0.0\"\n", "retract [\"v1.0.0\", v1.1.0]\n",
	"retract `v1.0.0`\n", "retract 'v1'\n", "retract ( v1.0.0 )\n", "retract ()\n", "retract (\n)\n", "retract [v1.0.0, v1.1.0] extra\n", "retract (v1.0.0\n",
	"retract (\n\tv1.0.0 // one\n\t// above\n\t[v1.1.0, v1.2.0]\n\n\tv1.3.0\n)\n", "// all\nretract (\n\tv1.0.0\n\tv1.1.0 // own\n)\n",
	"// all\nretract ( // here\n\tv1.0.0\n)\n", "// all\n\nretract (\n\tv1.0.0\n)\n", "retract (\n\t// a\n\n\t// b\n\tv1.0.0\n)\n", "retract (\n\tv1.0.0\n\t// last\n)\nretract v2.0.0\n",
	"retract (\n\tv1.0.0\n", "retract (\n\tv1.0.0\n) x\n", "retract (\n\tv1.0.0\n) // x\nretract v2.0.0\n", "retract x (\n\tv1.0.0\n)\n", "retract v1.0.0)\n", "retract (\n\t(\n)\n",
	"retract (\n\t()\n)\n", "retract (v1.0.0)\n", "retract {v1.0.0}\n", "retract v1.0.0,v1.1.0\n",
	"// Deprecated: use x\nmodule a.b\n", "module a.b // Deprecated: use x\n", "// About.\n//\n// Deprecated: use x\n// instead.\n//\n// More.\nmodule a.b\n",
	"// About.\n// Deprecated: no paragraph\nmodule a.b\n", "// Deprecated:\nmodule a.b\n", "// Deprecated:use x\nmodule a.b\n", "// deprecated: use x\nmodule a.b\n",
	"// Deprecated: far\n\nmodule a.b\n", "// Deprecated: block\nmodule (\n\ta.b\n)\n", "//Deprecated: tight\nmodule a.b\n", "// Deprecated: one\n//\n// Deprecated: two\nmodule a.b\n",
	"// Deprecated:   spaces   \nmodule a.b\n", "//\n// Deprecated: after an empty one\nmodule a.b\n", "//\n//\n//\n// Deprecated: far down\nmodule a.b\n",
	"module a.b\nunknown x y\n", "unknown (\n\tx\n)\n", "unknown \"x\n", "unknown x /* y */\n", "exclude bad\n", "replace bad\n", "toolchain bad\n", "tool x\nignore ./x\n",
	"module a.b\r\ngo 1.24\r\nretract v1.0.0 // x\r\n", "module a.b go 1.24\n", "(\n", ")\n", "module )\n", "module (\n", "\"module\" a.b\n", ", x\n", "module a,b\n", "a(b\n", "unknown \u200b\n", "unknown \u00ad\n",
	"unknown a\u00a0b\n", "unknown a\x01b\n", "unknown a\fb\n", "unknown \ufffd\n", "unknown 😀\n", "unknown \"\x01\"\n", "unknown `a\nb`\n", "module \"a\\\nb\"\n", "// only a comment", "module a.b // x // y\n", "unknown http://x\n",
}
