// Prints what golang.org/x/mod/zip and dirhash make of generated lists of files and of generated zips, as JSON: the
// vectors that src/gomod/zip is held against. `go run . > ../zip-vectors.json` in this folder writes them anew. With a
// folder as its argument, it prints what they make of each zip in there.
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

const (
	modulePath = "example.com/Vector/v2"
	version    = "v2.3.4"
)

// A file of a list, or an entry of a zip.
type file struct {
	Path string `json:"path"`
	Text string `json:"text"`
	Type string `json:"type,omitempty"` // "" for a file, else directory, symlink, other
}

func (f file) Name() string       { return path.Base(f.Path) }
func (f file) Size() int64        { return int64(len(f.Text)) }
func (f file) ModTime() time.Time { return time.Time{} }
func (f file) IsDir() bool        { return f.Type == "directory" }
func (f file) Sys() any           { return nil }
func (f file) Mode() os.FileMode {
	switch f.Type {
	case "directory":
		return os.ModeDir | 0o755
	case "symlink":
		return os.ModeSymlink | 0o777
	case "other":
		return os.ModeNamedPipe | 0o644
	}
	return 0o644
}

type source struct{ file }

func (s source) Path() string                { return s.file.Path }
func (s source) Lstat() (os.FileInfo, error) { return s.file, nil }
func (s source) Open() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(s.file.Text)), nil
}

type listVector struct {
	Files   []file            `json:"files"`
	Valid   []string          `json:"valid"`
	Omitted map[string]string `json:"omitted"`
	Invalid []string          `json:"invalid"`
	H1      string            `json:"h1,omitempty"`
}

type zipVector struct {
	Entries []file `json:"entries"`
	Error   string `json:"error,omitempty"`
	H1      string `json:"h1,omitempty"`
}

var names = []string{
	"a.go", "A.go", "b.txt", "go.mod", "GO.MOD", "Go.mod", "LICENSE", "license", "README", "modules.txt", "vendor.go",
	"é.txt", "É.txt", "e\u0301.txt", "straße", "STRASSE", "straẞe", "K", "\u212A", "k", "ſ", "S", "s", "µ", "μ", "İ", "i", "ı", "I",
	"日本.go", "𠮷.txt", "\uFFFD", "\uE000", "con", "CON.txt", "nul.go", "com1", "com10", "LPT9.x", "aux.tar.gz", "auxiliary",
	"a b", " lead", "trail ", "dot.", "..", ".", ".hidden", "...", "x:y", "x*y", "a\\b", "a'b", "a\"b", "a|b", "a<b", "q?",
	"tilde~1", "a~", "#!$%&()+,-.=@[]^_{}~", "new\nline", "tab\t", "\x7f", "-dash", ".hg_archival.txt", "Ω", "Ω", "ϴ", "θ", "ᾳ", "ᾼ",
}

var folders = []string{
	"", "", "", "", "dir/", "Dir/", "vendor/", "vendor/x/", "vendor/example.com/y/", "pkg/vendor/", "pkg/vendor/foo/", "p/vendor/v/w/",
	"vendored/", "sub/", "sub/deep/", "internal/vendor/", "é/", "É/", "x//", "./", "../", "/", "k/", "\u212A/", "a.go/", "b.txt/", ".git/", "con/",
	"longer/path/than/most/vendor/", "é/vendor/", "ééééé/vendor/",
}

var goMods = []string{
	"module example.com/Vector/v2\n",
	"module example.com/Vector/v2\n\ngo 1.17\n",
	"module example.com/Vector/v2\n\ngo 1.23.9\n",
	"module example.com/Vector/v2\n\ngo 1.24\n",
	"module example.com/Vector/v2\n\ngo 1.24rc1\n",
	"module example.com/Vector/v2\n\ngo 1.25.3\n",
	"module example.com/Vector/v2\n\ngo 2.0\n",
	"module example.com/Vector/v2\n\ngo 1.024\n",
	"go 1.24\nmodule (\n",
	"",
}

func randomFiles(r *rand.Rand, clean bool) []file {
	count := 1 + r.Intn(7)
	files := []file{}
	if r.Intn(3) > 0 {
		files = append(files, file{Path: "go.mod", Text: goMods[r.Intn(len(goMods))]})
	}
	for range count {
		name := names[r.Intn(len(names))]
		folder := folders[r.Intn(len(folders))]
		f := file{Path: folder + name, Text: strings.Repeat(name, r.Intn(4))}
		if clean && module.CheckFilePath(f.Path) != nil {
			continue
		}
		switch r.Intn(20) {
		case 0:
			f.Type, f.Text = "symlink", ""
		case 1:
			f.Type, f.Text = "directory", ""
		case 2:
			f.Type, f.Text = "other", ""
		}
		files = append(files, f)
	}
	return files
}

func checkList(files []file) listVector {
	list := make([]modzip.File, len(files))
	for i, f := range files {
		list[i] = source{f}
	}
	checked, err := modzip.CheckFiles(list)
	vector := listVector{Files: files, Valid: append([]string{}, checked.Valid...), Invalid: []string{}, Omitted: map[string]string{}}
	for _, omitted := range checked.Omitted {
		vector.Omitted[omitted.Path] = omitted.Err.Error()
	}
	for _, invalid := range checked.Invalid {
		vector.Invalid = append(vector.Invalid, invalid.Path)
	}
	var zipped bytes.Buffer
	m := module.Version{Path: modulePath, Version: version}
	if createErr := modzip.Create(&zipped, m, list); (createErr == nil) != (err == nil) {
		log.Fatalf("CheckFiles says %v, Create %v", err, createErr)
	} else if createErr == nil {
		vector.H1 = hashOf(zipped.Bytes())
	}
	return vector
}

// Directories stand in zips with a slash at their end.
func randomEntries(r *rand.Rand) []file {
	files := randomFiles(r, r.Intn(3) > 0)
	prefix := modulePath + "@" + version + "/"
	switch r.Intn(25) {
	case 0:
		prefix = strings.ToLower(prefix)
	case 1:
		prefix = modulePath + "/"
	}
	entries := []file{}
	if r.Intn(6) == 0 {
		entries = append(entries, file{Path: prefix, Type: "directory"})
	}
	for _, f := range files {
		if f.Type == "symlink" || f.Type == "other" {
			f.Type = ""
		}
		f.Path = prefix + f.Path
		if f.Type == "directory" {
			f.Path += "/"
		}
		entries = append(entries, f)
	}
	return entries
}

func checkZip(entries []file) zipVector {
	vector := zipVector{Entries: entries}
	var zipped bytes.Buffer
	writer := zip.NewWriter(&zipped)
	for _, entry := range entries {
		w, err := writer.Create(entry.Path)
		check(err)
		_, err = io.WriteString(w, entry.Text)
		check(err)
	}
	check(writer.Close())
	folder, err := os.MkdirTemp("", "generate-zip")
	check(err)
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "x.zip")
	check(os.WriteFile(name, zipped.Bytes(), 0o600))
	vector.H1, err = judge(name)
	if err != nil {
		vector.Error = err.Error()
	}
	return vector
}

// The h1 of a zip that can be unpacked.
func judge(name string) (string, error) {
	folder, err := os.MkdirTemp("", "generate-zip")
	check(err)
	defer os.RemoveAll(folder)
	m := module.Version{Path: modulePath, Version: version}
	if _, err := modzip.CheckZip(m, name); err != nil {
		return "", err
	}
	if err := modzip.Unzip(filepath.Join(folder, "out"), m, name); err != nil {
		return "", err
	}
	return dirhash.HashZip(name, dirhash.Hash1)
}

// By file name: the h1 of those that can be unpacked, "" for the others.
func judgeAll(folder string) map[string]string {
	entries, err := os.ReadDir(folder)
	check(err)
	verdicts := map[string]string{}
	for _, entry := range entries {
		verdicts[entry.Name()], _ = judge(filepath.Join(folder, entry.Name()))
	}
	return verdicts
}

func hashOf(zipped []byte) string {
	file, err := os.CreateTemp("", "*.zip")
	check(err)
	defer os.Remove(file.Name())
	_, err = file.Write(zipped)
	check(err)
	check(file.Close())
	h1, err := dirhash.HashZip(file.Name(), dirhash.Hash1)
	check(err)
	return h1
}

// Every set of letters that are one under simple folding.
func folds() []string {
	var all []string
	for r := rune(0); r <= unicode.MaxRune; r++ {
		letters := string(r)
		least := true
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = least && other > r
			letters += string(other)
		}
		if least && len(letters) > len(string(r)) {
			all = append(all, letters)
		}
	}
	return all
}

// The letters that this Unicode knows, as pairs of the first and the last of a run.
func letters() [][2]rune {
	var runs [][2]rune
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) {
			continue
		}
		if last := len(runs) - 1; last >= 0 && runs[last][1] == r-1 {
			runs[last][1] = r
		} else {
			runs = append(runs, [2]rune{r, r})
		}
	}
	return runs
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) > 1 {
		check(json.NewEncoder(os.Stdout).Encode(judgeAll(os.Args[1])))
		return
	}
	r := rand.New(rand.NewSource(4))
	var lists []listVector
	for i := range 500 {
		lists = append(lists, checkList(randomFiles(r, i%2 == 0)))
	}
	var zips []zipVector
	for range 400 {
		zips = append(zips, checkZip(randomEntries(r)))
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	check(out.Encode(map[string]any{
		"module": modulePath, "version": version, "lists": lists, "zips": zips, "folds": folds(), "letters": letters(),
	}))
	fmt.Fprintln(os.Stderr, len(lists), "lists,", len(zips), "zips")
}
