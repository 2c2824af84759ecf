package id

import "crypto/hmac"

// MaxSealed bounds the bytes of a message made by Seal.
const MaxSealed = 4096

// Seal returns URL-safe text of a binary message, its key's number and its MAC, for one purpose:
// what a client keeps for us and cannot make up. It can be read by whoever holds it.
func (r *Keyring) Seal(purpose string, message []byte) string {
	k, ok := r.newest()
	if !ok {
		panic("id: keyring is empty")
	}
	mac := k.mac(purpose, message, "")
	b := make([]byte, 0, 1+macBytes+len(message))
	b = append(append(append(b, k.number), mac[:]...), message...)
	return tokenText.EncodeToString(b)
}

// Unseal returns the message of a text made by Seal for the same purpose, or ErrForged.
func (r *Keyring) Unseal(purpose, text string) ([]byte, error) {
	if len(text) > tokenText.EncodedLen(1+macBytes+MaxSealed) {
		return nil, ErrForged
	}
	b, err := tokenText.DecodeString(text)
	if err != nil || len(b) < 1+macBytes {
		return nil, ErrForged
	}
	k, ok := r.numbered(b[0])
	if !ok {
		return nil, ErrForged
	}
	message := b[1+macBytes:]
	mac := k.mac(purpose, message, "")
	if !hmac.Equal(mac[:], b[1:1+macBytes]) {
		return nil, ErrForged
	}
	return message, nil
}
