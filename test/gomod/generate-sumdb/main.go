// Prints what golang.org/x/mod/sumdb says of notes, trees, tiles and records, as JSON:
//
//	go run . > ../sumdb-vectors.json
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const treeSize = 66_000

type openCase struct {
	Name, Message string // base64
	Keys          []string
	OK            bool
	Signatures    int
	Unverified    int
}

type verdict struct {
	Input string // base64
	OK    bool
}

type proof struct {
	Size, N int64
	Hashes  []string
}

type tile struct {
	Level, Index, Width int64
	Path, SHA256        string
}

func main() {
	out := map[string]any{}
	notes(out)
	trees(out)
	texts(out)
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ")
	check(encoder.Encode(out))
}

func notes(out map[string]any) {
	alice, aliceKey := key("alice.example/log", 1)
	bob, bobKey := key("bob", 2)
	eve, _ := key("eve", 3)
	text := "go.sum database tree\n7\n" + strings.Repeat("A", 43) + "=\n"
	signed := sign(text, alice)
	both := sign(text, alice, bob)
	three := sign(text, eve, alice, bob)
	swap := func(message, old, new string) string { return strings.Replace(message, old, new, 1) }
	aliceLine := strings.SplitAfter(signed, "\n\n")[1]
	cases := []openCase{
		{Name: "one signature", Message: signed, Keys: []string{aliceKey}},
		{Name: "two signatures, both known", Message: both, Keys: []string{aliceKey, bobKey}},
		{Name: "two signatures, one known", Message: both, Keys: []string{bobKey}},
		{Name: "three signatures, two known", Message: three, Keys: []string{bobKey, aliceKey}},
		{Name: "only unknown signatures", Message: both, Keys: []string{}},
		{Name: "the text was changed", Message: swap(signed, "\n7\n", "\n8\n"), Keys: []string{aliceKey}},
		{Name: "one of two known signatures is bad", Message: swap(both, aliceLine, badSignature(aliceLine)), Keys: []string{aliceKey, bobKey}},
		{Name: "a bad signature of an unknown key", Message: swap(both, aliceLine, badSignature(aliceLine)), Keys: []string{bobKey}},
		{Name: "a signature twice", Message: signed + aliceLine, Keys: []string{aliceKey}},
		{Name: "an unknown signature twice", Message: both + aliceLine, Keys: []string{bobKey}},
		{Name: "a second signature of the same key, bad", Message: signed + badSignature(aliceLine), Keys: []string{aliceKey}},
		{Name: "the same key known twice", Message: signed, Keys: []string{aliceKey, aliceKey}},
		{Name: "empty", Message: "", Keys: []string{aliceKey}},
		{Name: "no signatures", Message: text + "\n", Keys: []string{aliceKey}},
		{Name: "no empty line", Message: text + aliceLine, Keys: []string{aliceKey}},
		{Name: "no newline at the end", Message: strings.TrimSuffix(signed, "\n"), Keys: []string{aliceKey}},
		{Name: "carriage returns", Message: strings.ReplaceAll(signed, "\n", "\r\n"), Keys: []string{aliceKey}},
		{Name: "a tab in the text", Message: sign("a\tb\n", alice), Keys: []string{aliceKey}},
		{Name: "invalid UTF-8", Message: sign("a\xffb\n", alice), Keys: []string{aliceKey}},
		{Name: "U+FFFD itself", Message: sign("a\ufffdb\n", alice), Keys: []string{aliceKey}},
		{Name: "a byte order mark", Message: sign("\ufeffab\n", alice), Keys: []string{aliceKey}},
		{Name: "DEL", Message: sign("a\x7fb\n", alice), Keys: []string{aliceKey}},
		{Name: "an empty text", Message: sign("\n", alice), Keys: []string{aliceKey}},
		{Name: "paragraphs", Message: sign("a\n\nb\n", alice), Keys: []string{aliceKey}},
		{Name: "a hyphen for the dash", Message: swap(signed, "—", "-"), Keys: []string{aliceKey}},
		{Name: "two blanks", Message: swap(signed, "log ", "log  "), Keys: []string{aliceKey}},
		{Name: "a name with a plus", Message: swap(signed, "— alice.example/log", "— alice+log"), Keys: []string{aliceKey}},
		{Name: "a name with a no-break space", Message: swap(signed, "— alice", "— al\u00a0ice"), Keys: []string{aliceKey}},
		{Name: "no base64", Message: swap(signed, "log ", "log !"), Keys: []string{aliceKey}},
		{Name: "a short signature", Message: text + "\n— alice.example/log AAAA\n", Keys: []string{aliceKey}},
		{Name: "garbage behind the signatures", Message: signed + "x\n", Keys: []string{aliceKey}},
		{Name: "a hundred signatures", Message: signed + strings.Repeat(aliceLine, 99), Keys: []string{aliceKey}},
		{Name: "a hundred and one signatures", Message: signed + strings.Repeat(aliceLine, 100), Keys: []string{aliceKey}},
	}
	for i := range cases {
		c := &cases[i]
		var verifiers []note.Verifier
		for _, k := range c.Keys {
			v, err := note.NewVerifier(k)
			check(err)
			verifiers = append(verifiers, v)
		}
		n, err := note.Open([]byte(c.Message), note.VerifierList(verifiers...))
		c.Message = b64(c.Message)
		if c.OK = err == nil; c.OK {
			c.Signatures, c.Unverified = len(n.Sigs), len(n.UnverifiedSigs)
		}
	}
	out["open"] = cases
	out["signing"] = map[string]any{
		"Text": text, "AliceKey": skey("alice.example/log", 1), "BobKey": skey("bob", 2),
		"AliceVerifierKey": aliceKey, "BobVerifierKey": bobKey, "Signed": both,
	}
	var keys []verdict
	for _, k := range []string{
		aliceKey, bobKey, "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "", "bob", "bob+00000000+AA==",
		strings.Replace(aliceKey, "alice", "alicf", 1), aliceKey + "A", strings.TrimSuffix(bobKey, "="), "+" + aliceKey,
		wrongAlgorithm("bob"), strings.ToUpper(bobKey[:13]) + bobKey[13:], "b ob" + bobKey[3:],
	} {
		_, err := note.NewVerifier(k)
		keys = append(keys, verdict{b64(k), err == nil})
	}
	out["verifierKeys"] = keys
}

func trees(out map[string]any) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for i := int64(0); i < treeSize; i++ {
		hashes, err := tlog.StoredHashes(i, fmt.Appendf(nil, "record %d\n", i), reader)
		check(err)
		stored = append(stored, hashes...)
	}

	heads := map[string]string{}
	for _, size := range []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 255, 256, 257, 300, 511, 512, 513, 1000, 3000, 65535, 65536, 65537, treeSize} {
		h, err := tlog.TreeHash(size, reader)
		check(err)
		heads[fmt.Sprint(size)] = h.String()
	}
	out["treeHashes"] = heads

	var records, grown []proof
	for _, at := range [][2]int64{{1, 0}, {2, 1}, {7, 3}, {8, 7}, {256, 255}, {257, 256}, {300, 7}, {3000, 1234}, {65537, 65536}, {treeSize, 65535}, {treeSize, 0}} {
		p, err := tlog.ProveRecord(at[0], at[1], reader)
		check(err)
		records = append(records, proof{at[0], at[1], hashTexts(p)})
	}
	for _, at := range [][2]int64{{1, 1}, {2, 1}, {7, 3}, {8, 4}, {8, 7}, {256, 255}, {257, 256}, {300, 256}, {3000, 1234}, {65537, 65536}, {treeSize, 257}, {treeSize, treeSize}} {
		p, err := tlog.ProveTree(at[0], at[1], reader)
		check(err)
		grown = append(grown, proof{at[0], at[1], hashTexts(p)})
	}
	out["recordProofs"], out["treeProofs"] = records, grown

	var indexes [][3]int64
	for _, at := range [][2]int64{{0, 0}, {0, 1}, {1, 0}, {0, 2}, {2, 0}, {0, 255}, {8, 0}, {8, 1}, {16, 0}, {3, 1000}, {0, 50_000_000}, {24, 2}, {0, 1 << 40}, {40, 3}} {
		indexes = append(indexes, [3]int64{at[0], at[1], tlog.StoredHashIndex(int(at[0]), at[1])})
	}
	out["storedHashIndexes"] = indexes
	var counts [][2]int64
	for _, n := range []int64{0, 1, 2, 3, 4, 255, 256, 257, 50_000_000} {
		counts = append(counts, [2]int64{n, tlog.StoredHashCount(n)})
	}
	out["storedHashCounts"] = counts

	var tiles []tile
	for _, size := range []int64{1, 255, 256, 257, 3000, treeSize} {
		for _, t := range tlog.NewTiles(8, size-1, size) {
			data, err := tlog.ReadTileData(t, reader)
			check(err)
			sum := sha256.Sum256(data)
			tiles = append(tiles, tile{int64(t.L), t.N, int64(t.W), t.Path(), hex.EncodeToString(sum[:])})
		}
	}
	out["tiles"] = tiles
}

func texts(out map[string]any) {
	var paths []map[string]any
	for _, path := range []string{
		"tile/8/0/000", "tile/8/0/001.p/1", "tile/8/0/001.p/255", "tile/8/0/001.p/256", "tile/8/0/001.p/0", "tile/8/0/001.p/01",
		"tile/8/0/x001/x234/067", "tile/8/0/x001/x234/067.p/8", "tile/8/data/x001/000", "tile/8/data/000.p/17", "tile/8/3/000.p/3",
		"tile/8/00/000", "tile/8/0/x000/001", "tile/8/0/1", "tile/8/0/0001", "tile/8/0/001/", "/tile/8/0/001", "tile/8/0/001/x002",
		"tile/8/-1/000", "tile/8/0/x001/1000", "tile/8/data", "tile/8/0/-01", "tile/8/0/000.p/-1", "tile/8/0/000.P/1", "tile//0/000",
	} {
		t, err := tlog.ParseTilePath(path)
		paths = append(paths, map[string]any{"Path": path, "OK": err == nil, "Level": t.L, "Index": t.N, "Width": t.W})
	}
	out["tilePaths"] = paths

	hash := tlog.RecordHash([]byte("x")).String()
	var heads, records []verdict
	for _, text := range []string{
		"go.sum database tree\n7\n" + hash + "\n", "go.sum database tree\n7\n" + hash + "\nmore\n", "go.sum database tree\n0\n" + hash + "\n",
		"go.sum database tree\n7\n" + hash, "go.sum database tree\n07\n" + hash + "\n", "go.sum database tree\n-7\n" + hash + "\n", "go.sum database tree\n+7\n" + hash + "\n",
		"go.sum database tree\n7\n" + hash[1:] + "\n", "go.sum database\n7\n" + hash + "\n", "", "go.sum database tree\n\n" + hash + "\n",
		"go.sum database tree\n7 \n" + hash + "\n", "go.sum database tree\n7\n" + hash + " \n",
	} {
		_, err := tlog.ParseTree([]byte(text))
		heads = append(heads, verdict{b64(text), err == nil})
	}
	for _, text := range []string{
		"7\nm v1 h1:x\nm v1/go.mod h1:y\n\nrest", "0\na\n\n", "7\n\n", "7\na\n", "7\na", "", "x\na\n\n", "7\na\tb\n\n", "7\na\xff\n\n", "7\n\na\n\n", "7\na\n\n\nb\n\n", "-\na\n\n",
	} {
		_, _, _, err := tlog.ParseRecord([]byte(text))
		records = append(records, verdict{b64(text), err == nil})
	}
	out["treeHeads"], out["records"] = heads, records
	message, err := tlog.FormatRecord(12, []byte("m v1 h1:x\nm v1/go.mod h1:y\n"))
	check(err)
	out["formatted"] = map[string]string{
		"Record": string(message), "Tree": string(tlog.FormatTree(tlog.Tree{N: 12, Hash: tlog.RecordHash([]byte("x"))})),
		"RecordHash": hash, "NodeHash": tlog.NodeHash(tlog.RecordHash([]byte("x")), tlog.RecordHash([]byte("y"))).String(),
		"Other": tlog.RecordHash([]byte("y")).String(),
	}
}

// key makes the key that a seed of equal bytes gives.
func key(name string, seed byte) (note.Signer, string) {
	signer, err := note.NewSigner(skey(name, seed))
	check(err)
	public := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(name, public)
	check(err)
	return signer, vkey
}

func skey(name string, seed byte) string {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	check(err)
	hash := strings.Split(vkey, "+")[1]
	return fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...)))
}

func wrongAlgorithm(name string) string {
	public := append([]byte{2}, bytes.Repeat([]byte{9}, 32)...)
	sum := sha256.Sum256(append([]byte(name+"\n"), public...))
	return fmt.Sprintf("%s+%08x+%s", name, binary.BigEndian.Uint32(sum[:]), base64.StdEncoding.EncodeToString(public))
}

func sign(text string, signers ...note.Signer) string {
	message, err := note.Sign(&note.Note{Text: text}, signers...)
	check(err)
	return string(message)
}

// badSignature changes the last byte of the signature on a line.
func badSignature(line string) string {
	cut := strings.LastIndex(line, " ") + 1
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line[cut:]))
	check(err)
	signature[len(signature)-1] ^= 1
	return line[:cut] + base64.StdEncoding.EncodeToString(signature) + "\n"
}

func hashTexts(hashes []tlog.Hash) []string {
	list := []string{}
	for _, h := range hashes {
		list = append(list, h.String())
	}
	return list
}

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func check(err error) {
	if err != nil {
		panic(err)
	}
}
