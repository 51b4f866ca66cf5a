#!/bin/sh
# Makes what the example needs beside it: self-signed certificates, and the hash of alice's password, wonderland.
set -eu
folder=${1:-$(dirname "$0")}
mkdir -p "$folder/certs" "$folder/secrets"
for name in api admin; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
    -subj "/CN=$name.example.com" -addext "subjectAltName=DNS:$name.example.com" \
    -keyout "$folder/certs/$name-key.pem" -out "$folder/certs/$name.pem" 2>/dev/null
done
cat > "$folder/secrets/alice" <<'HASH'
$scrypt$ln=14,r=8,p=1$dHVybnBpa2UtZXhhbXBsZQ$O4w/CBVI3XI3Z5cIpeKpQSLNAW/DOX2FMZBN3yFSyUc
HASH
