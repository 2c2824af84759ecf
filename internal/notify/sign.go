package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Headers of a message, by Standard Webhooks 1.0 (standardwebhooks.com).
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// signature returns the header that proves a message: for each secret, newest first, "v1," and the base64 of
// HMAC-SHA256 over "id.timestamp.body", parted by spaces. The time is in whole seconds since 1970.
func signature(secrets [][]byte, message string, at time.Time, body []byte) string {
	head := message + "." + strconv.FormatInt(at.Unix(), 10) + "."
	signed := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(head))
		mac.Write(body)
		signed = append(signed, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(signed, " ")
}
