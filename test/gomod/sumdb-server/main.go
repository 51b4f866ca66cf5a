// Serves the checksum database that golang.org/x/mod/sumdb has for tests, on the address and with the signing key that
// it is given. It knows every version of example.com modules: its hashes are made of the name.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb"
)

func main() {
	address, signer := os.Args[1], os.Args[2]
	server := sumdb.NewServer(sumdb.NewTestServer(signer, func(path, version string) ([]byte, error) {
		if !strings.HasPrefix(path, "example.com/") {
			return nil, fs.ErrNotExist
		}
		return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", path, version, h1(path+"@"+version), path, version, h1(path)), nil
	}))
	fmt.Fprintln(os.Stderr, http.ListenAndServe(address, server))
	os.Exit(1)
}

func h1(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "h1:" + base64.StdEncoding.EncodeToString(sum[:])
}
