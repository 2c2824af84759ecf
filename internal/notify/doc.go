// Package notify tells people and their programs what happened: webhooks to brands, by the Standard Webhooks manner.
package notify
