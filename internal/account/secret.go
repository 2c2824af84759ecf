package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// Prefixes of the secrets we hand out.
const (
	sessionPrefix  = "mzs_"
	tokenPrefix    = "mzo_"
	writeKeyPrefix = "mzw_"
)

// secretBytes of randomness make a secret; its plain SHA-256 is stored, for nobody can guess back
// 256 random bits.
const secretBytes = 32

var secretLength = len(sessionPrefix) + base64.RawURLEncoding.EncodedLen(secretBytes)

// newSecret returns a secret and the hash to keep of it.
func newSecret(prefix string) (secret, hash string) {
	b := make([]byte, secretBytes)
	rand.Read(b)
	secret = prefix + base64.RawURLEncoding.EncodeToString(b)
	return secret, hashSecret(secret)
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// kindOfSecret returns the prefix of a well-formed secret, "" for anything else.
func kindOfSecret(s string) string {
	if len(s) != secretLength {
		return ""
	}
	for _, p := range []string{sessionPrefix, tokenPrefix, writeKeyPrefix} {
		if strings.HasPrefix(s, p) {
			return p
		}
	}
	return ""
}
