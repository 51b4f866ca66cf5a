#!/bin/sh
# Makes what the example needs in the folder `certs` beside it, or in the folder named: a certificate for the proxy, an
# authority for its clients, and a certificate for one of them.
set -eu
folder=${1:-$(dirname "$0")/certs}
mkdir -p "$folder"
make() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "$@" 2>/dev/null
}
make -subj "/CN=modules.example.com" -addext "subjectAltName=DNS:modules.example.com,IP:127.0.0.1" \
  -keyout "$folder/modules-key.pem" -out "$folder/modules.pem"
make -subj "/CN=clients of modules.example.com" \
  -keyout "$folder/clients-ca-key.pem" -out "$folder/clients-ca.pem"
make -subj "/CN=builder" -addext "basicConstraints=critical,CA:FALSE" \
  -CA "$folder/clients-ca.pem" -CAkey "$folder/clients-ca-key.pem" \
  -keyout "$folder/builder-key.pem" -out "$folder/builder.pem"
