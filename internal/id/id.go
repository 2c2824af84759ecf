// Package id makes and reads the public identifiers: typed, time-ordered ids and signed tokens.
package id

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Kind is a marker type whose Prefix names what an id identifies.
type Kind interface{ Prefix() string }

// ID is the public id of one kind: "<prefix>_" and 26 characters of Crockford base32 that
// hold a UUID version 7, so that ids of one kind sort by the time they were made.
// The zero value "" means none.
type ID[K Kind] string

// The kinds and their ids, by API.md §1.
type (
	accountKind     struct{}
	creatorKind     struct{}
	brandKind       struct{}
	productKind     struct{}
	variantKind     struct{}
	programKind     struct{}
	videoKind       struct{}
	roomKind        struct{}
	offerKind       struct{}
	orderKind       struct{}
	partKind        struct{}
	lineKind        struct{}
	refundKind      struct{}
	returnKind      struct{}
	claimKind       struct{}
	disputeKind     struct{}
	paymentKind     struct{}
	payoutKind      struct{}
	transferKind    struct{}
	commissionKind  struct{}
	policyKind      struct{}
	uploadKind      struct{}
	webhookKind     struct{}
	viewerKind      struct{}
	linkKind        struct{}
	cartKind        struct{}
	checkoutKind    struct{}
	shipmentKind    struct{}
	reservationKind struct{}
	touchKind       struct{}
	commentKind     struct{}
	imageKind       struct{}
	tokenKind       struct{}
	sessionKind     struct{}
	writeKeyKind    struct{}
	jobKind         struct{}
	showcaseKind    struct{}
	requestKind     struct{}
	reportKind      struct{}
	addressKind     struct{}
	eventKind       struct{}
	taxRateKind     struct{}
	messageKind     struct{}
	destinationKind struct{}
	batchKind       struct{}
	noticeKind      struct{}
	settlementKind  struct{}
	voucherKind     struct{}
	sampleKind      struct{}
	exchangeKind    struct{}
	writeOffKind    struct{}
	labelRateKind   struct{}
	carrierPayKind  struct{}

	Account     = ID[accountKind]
	Creator     = ID[creatorKind]
	Brand       = ID[brandKind]
	Product     = ID[productKind]
	Variant     = ID[variantKind]
	Program     = ID[programKind]
	Video       = ID[videoKind]
	Room        = ID[roomKind]
	Offer       = ID[offerKind]
	Order       = ID[orderKind]
	Part        = ID[partKind]
	Line        = ID[lineKind]
	Refund      = ID[refundKind]
	Return      = ID[returnKind]
	Claim       = ID[claimKind]
	Dispute     = ID[disputeKind]
	Payment     = ID[paymentKind]
	Payout      = ID[payoutKind]
	Transfer    = ID[transferKind]
	Commission  = ID[commissionKind]
	Policy      = ID[policyKind]
	Upload      = ID[uploadKind]
	Webhook     = ID[webhookKind]
	Viewer      = ID[viewerKind]
	Link        = ID[linkKind]
	Cart        = ID[cartKind]
	Checkout    = ID[checkoutKind]
	Shipment    = ID[shipmentKind]
	Reservation = ID[reservationKind]
	Touch       = ID[touchKind]
	Comment     = ID[commentKind]
	Image       = ID[imageKind]
	Token       = ID[tokenKind]
	Session     = ID[sessionKind]
	WriteKey    = ID[writeKeyKind]
	Job         = ID[jobKind]
	Showcase    = ID[showcaseKind]
	Request     = ID[requestKind]
	Report      = ID[reportKind]
	Address     = ID[addressKind]
	Event       = ID[eventKind]
	TaxRate     = ID[taxRateKind]
	Message     = ID[messageKind]
	Destination = ID[destinationKind]
	Batch       = ID[batchKind]
	Notice      = ID[noticeKind]
	Settlement  = ID[settlementKind]
	Voucher     = ID[voucherKind]
	Sample      = ID[sampleKind]
	Exchange    = ID[exchangeKind]
	WriteOff    = ID[writeOffKind]
	LabelRate   = ID[labelRateKind]
	CarrierPaid = ID[carrierPayKind]
)

func (accountKind) Prefix() string { return "acc" }
func (creatorKind) Prefix() string { return "crt" }
func (brandKind) Prefix() string   { return "brd" }
func (productKind) Prefix() string { return "prd" }
func (variantKind) Prefix() string { return "var" }
func (programKind) Prefix() string { return "prg" }
func (videoKind) Prefix() string   { return "vid" }
func (roomKind) Prefix() string    { return "rom" }
func (offerKind) Prefix() string   { return "ofr" }
func (orderKind) Prefix() string   { return "ord" }
func (partKind) Prefix() string    { return "opt" }
func (lineKind) Prefix() string    { return "lin" }
func (refundKind) Prefix() string  { return "rfd" }

// Prefix implements Kind.
func (returnKind) Prefix() string      { return "ret" }
func (claimKind) Prefix() string       { return "clm" }
func (disputeKind) Prefix() string     { return "dsp" }
func (paymentKind) Prefix() string     { return "pay" }
func (payoutKind) Prefix() string      { return "pot" }
func (transferKind) Prefix() string    { return "trf" }
func (commissionKind) Prefix() string  { return "com" }
func (policyKind) Prefix() string      { return "pol" }
func (uploadKind) Prefix() string      { return "upl" }
func (webhookKind) Prefix() string     { return "whk" }
func (viewerKind) Prefix() string      { return "vwr" }
func (linkKind) Prefix() string        { return "lnk" }
func (cartKind) Prefix() string        { return "car" }
func (checkoutKind) Prefix() string    { return "chk" }
func (shipmentKind) Prefix() string    { return "shp" }
func (reservationKind) Prefix() string { return "rsv" }
func (touchKind) Prefix() string       { return "tch" }
func (commentKind) Prefix() string     { return "cmt" }
func (imageKind) Prefix() string       { return "img" }
func (tokenKind) Prefix() string       { return "tok" }
func (sessionKind) Prefix() string     { return "ses" }
func (writeKeyKind) Prefix() string    { return "wrk" }
func (jobKind) Prefix() string         { return "job" }
func (showcaseKind) Prefix() string    { return "shw" }
func (requestKind) Prefix() string     { return "req" }
func (reportKind) Prefix() string      { return "rpt" }
func (addressKind) Prefix() string     { return "adr" }
func (eventKind) Prefix() string       { return "evt" }
func (taxRateKind) Prefix() string     { return "tax" }
func (messageKind) Prefix() string     { return "msg" }
func (destinationKind) Prefix() string { return "dst" }
func (batchKind) Prefix() string       { return "bat" }
func (noticeKind) Prefix() string      { return "ntc" }
func (settlementKind) Prefix() string  { return "stl" }
func (voucherKind) Prefix() string     { return "vch" }
func (sampleKind) Prefix() string      { return "smp" }
func (exchangeKind) Prefix() string    { return "exc" }
func (writeOffKind) Prefix() string    { return "wof" }
func (labelRateKind) Prefix() string   { return "lbr" }
func (carrierPayKind) Prefix() string  { return "cpd" }

// alphabet is Crockford's base32 in lower case: no i, l, o, u, and its order is byte order.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// values holds one more than the value of each letter of the alphabet; 0 for all other bytes.
var values = func() (v [256]byte) {
	for i := range len(alphabet) {
		v[alphabet[i]] = byte(i + 1)
	}
	return v
}()

// New returns a fresh id of the kind, whose order is that of now (milliseconds), random below it.
func New[K Kind](now time.Time) ID[K] {
	u := uuid.Must(uuid.NewV7())
	ms := uint64(now.UnixMilli())
	for i := 5; i >= 0; i-- {
		u[i] = byte(ms)
		ms >>= 8
	}
	return FromUUID[K](u)
}

// Next returns a fresh id of the same kind as the receiver, which may be zero:
// var o id.Order; o = o.Next(now).
func (ID[K]) Next(now time.Time) ID[K] { return New[K](now) }

// FromUUID returns the id of the kind that holds u.
func FromUUID[K Kind](u [16]byte) ID[K] {
	var b [40]byte
	return ID[K](ID[K]("").AppendUUID(b[:0], u))
}

// From returns the id of the receiver's kind that holds u; the receiver may be zero:
// var v id.Video; v = v.From(u).
func (ID[K]) From(u [16]byte) ID[K] { return FromUUID[K](u) }

// TextLength is the length of an id whose prefix has three letters, as all have.
const TextLength = 4 + 26

// AppendUUID appends the text of the id of the receiver's kind that holds u: what reads
// many ids (the log) makes one string of all of them.
func (ID[K]) AppendUUID(dst []byte, u [16]byte) []byte {
	var k K
	dst = append(dst, k.Prefix()...)
	dst = append(dst, '_')
	hi, lo := binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])
	// 128 bits are 25 groups of five and one of three, which base32 pads below with zeros.
	for shift := 59; shift >= 0; shift -= 5 {
		dst = append(dst, alphabet[hi>>shift&31])
	}
	dst = append(dst, alphabet[(hi<<1|lo>>63)&31])
	for shift := 58; shift >= 3; shift -= 5 {
		dst = append(dst, alphabet[lo>>shift&31])
	}
	return append(dst, alphabet[lo<<2&31])
}

// UUID returns the 16 bytes an id holds; an error when it is not an id of the kind.
func (i ID[K]) UUID() ([16]byte, error) {
	var k K
	var u [16]byte
	prefix := k.Prefix()
	if len(i) != len(prefix)+27 || string(i[:len(prefix)]) != prefix || i[len(prefix)] != '_' {
		return u, i.malformed()
	}
	text := i[len(prefix)+1:]
	var hi, lo uint64
	for n := 0; n < 26; n++ {
		v := uint64(values[text[n]])
		if v == 0 {
			return u, i.malformed()
		}
		v--
		if n == 25 { // the lowest two bits of the last letter are padding and must be zero
			if v&3 != 0 {
				return u, i.malformed()
			}
			hi, lo = hi<<3|lo>>61, lo<<3|v>>2
			break
		}
		hi, lo = hi<<5|lo>>59, lo<<5|v
	}
	binary.BigEndian.PutUint64(u[:8], hi)
	binary.BigEndian.PutUint64(u[8:], lo)
	return u, nil
}

func (i ID[K]) malformed() error {
	var k K
	return fmt.Errorf("%q is not an id of the form %s_…", shorten(string(i)), k.Prefix())
}

// Parse reads an id of the kind; an error says which form was expected.
func Parse[K Kind](s string) (ID[K], error) {
	i := ID[K](s)
	if _, err := i.UUID(); err != nil {
		return "", err
	}
	return i, nil
}

// Valid reports whether the id is well formed and of its kind.
func (i ID[K]) Valid() bool { _, err := i.UUID(); return err == nil }

// String returns the id as text.
func (i ID[K]) String() string { return string(i) }

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
