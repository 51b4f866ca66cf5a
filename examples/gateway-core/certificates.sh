#!/bin/sh
# Makes self-signed certificates for trying the example out, in the folder `certs` beside it, or in the folder named.
set -eu
folder=${1:-$(dirname "$0")/certs}
mkdir -p "$folder"
for name in api admin; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj "/CN=$name.example.com" -addext "subjectAltName=DNS:$name.example.com" \
    -keyout "$folder/$name-key.pem" -out "$folder/$name.pem" 2>/dev/null
done
