#!/bin/sh
# Makes up the secrets that turnpike.yaml names, beside it or in the folder named: put your own in their place.
set -eu
folder=${1:-$(dirname "$0")}
mkdir -p "$folder/secrets"
printf 'the token that git.example.com gave its bot\n' > "$folder/secrets/git-token"
printf 'sesame\n' > "$folder/secrets/ci"
