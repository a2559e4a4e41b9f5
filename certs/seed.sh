#!/bin/sh
# The page's own commands, as printed, into a folder: certs/seed.sh [FOLDER]
# What they would ask for at the keyboard is answered at the end of each line: the subject by its
# defaults, pass phrases by PASSPHRASE, the truststore's password by STOREPASS.
set -eu
cd "${1:-$(dirname "$0")}"
export PASSPHRASE="${PASSPHRASE:-changeit}" STOREPASS="${STOREPASS:-wso2carbon}"
umask 077

# Generate a private RSA key
openssl genrsa -out cert.key 2048

# Create an X509 certificate
openssl req -x509 -new -nodes -key cert.key -sha256 -days 1024 -out cert.pem \
  -subj '/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd'

# Create a PKCS12 key store from the private key and the public certificate
openssl pkcs12 -export -name server-cert -in cert.pem -inkey cert.key -out serverkeystore.p12 \
  -passout env:PASSPHRASE

# Export the private key as a PEM file: encrypted, so curl wants --pass, too
openssl pkcs12 -in serverkeystore.p12 -out key.pem \
  -passin env:PASSPHRASE -passout env:PASSPHRASE

# Import the certificate to the client-truststore.jks
if command -v keytool >/dev/null; then
  keytool -importcert -alias client -file cert.pem -keystore client-truststore.jks \
    -noprompt -storepass:env STOREPASS
else
  echo 'keytool (of a Java runtime) is not installed: client-truststore.jks is left out.' >&2
fi
