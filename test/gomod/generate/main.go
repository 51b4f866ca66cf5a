// Command vectors writes what golang.org/x/mod and the standard library say to many inputs, as JSON files into the folder it
// is given. The tests hold turnpike/gomod to them. With a second argument, pages, go.mod files and versions are those of
// that JSON file.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"
	"path/filepath"
)

func main() {
	switch len(os.Args) {
	case 2:
	case 3:
		readInputs(os.Args[2])
	default:
		log.Fatal("usage: vectors FOLDER [INPUTS]")
	}
	for name, vectors := range map[string]any{
		"module-path":    modulePaths(),
		"file-path":      filePaths(),
		"escaped":        escapedNames(),
		"version":        versions(),
		"version-order":  versionOrder(),
		"path-major":     pathMajors(),
		"pseudo-version": pseudoVersions(),
		"made-pseudo":    madePseudoVersions(),
		"pattern":        patterns(),
		"go-mod-file":    goModFiles(),
		"go-import":      goImports(),
	} {
		write(filepath.Join(os.Args[1], name+".json"), vectors)
	}
}

func readInputs(file string) {
	var inputs struct{ Pages, GoMods, Versions []string }
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &inputs)
	}
	if err != nil {
		log.Fatal(err)
	}
	htmlInputs, goModInputs, versionInputs = inputs.Pages, inputs.GoMods, inputs.Versions
}

func write(file string, vectors any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(vectors); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// orNull is the text, or nil where there was an error.
func orNull(text string, err error) *string {
	if err != nil {
		return nil
	}
	return &text
}
