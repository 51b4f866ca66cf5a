#!/bin/sh
# Makes what the example needs beside it, or in the folder named: the password of alice (wonderland), one for the
# corporate proxy, and an authority.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here}
mkdir -p "$folder/secrets"
printf 'wonderland\n' > "$folder/secrets/alice"
printf 'the password that the corporate proxy wants\n' > "$folder/secrets/corp"
[ -e "$folder/ca" ] || npm --prefix "$here/../.." run -s turnpike -- ca init "$folder/ca"
