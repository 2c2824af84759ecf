package event

import (
	"crypto/sha256"
	"net/netip"
	"strings"

	"mezzo/internal/id"
)

// Agent is the class of a user agent: all of it that the log keeps.
type Agent uint8

// The classes; their numbers are part of the log and never change.
const (
	AgentUnknown Agent = iota
	AgentPhone
	AgentTablet
	AgentDesktop
	AgentProgram // an app or a script that says so
	AgentRobot   // a declared crawler
)

var agentNames = [...]string{"unknown", "phone", "tablet", "desktop", "program", "robot"}

// String returns the class's name.
func (a Agent) String() string {
	if int(a) < len(agentNames) {
		return agentNames[a]
	}
	return agentNames[0]
}

// robots are parts of the user agents of declared crawlers and link previews, in lower case.
// Scripts that act for people (curl, an HTTP library) are programs and no robots.
var robots = [...]string{
	"bot/", "bot;", "bot ", "bot)", "googlebot", "bingbot", "crawler", "spider", "slurp", "facebookexternalhit",
	"embedly", "whatsapp/", "preview", "lighthouse", "archive.org", "monitor",
}

var programs = [...]string{"curl/", "wget/", "go-http-client", "python", "okhttp", "node", "axios", "java/", "cfnetwork", "dart"}

// AgentOf returns the class of a User-Agent header.
func AgentOf(userAgent string) Agent {
	ua := strings.ToLower(userAgent)
	switch {
	case ua == "":
		return AgentUnknown
	case containsAny(ua, robots[:]) || strings.HasSuffix(ua, "bot"):
		return AgentRobot
	case strings.Contains(ua, "ipad") || strings.Contains(ua, "tablet") || (strings.Contains(ua, "android") && !strings.Contains(ua, "mobile")):
		return AgentTablet
	case strings.Contains(ua, "mobile") || strings.Contains(ua, "iphone"):
		return AgentPhone
	case strings.HasPrefix(ua, "mozilla/"):
		return AgentDesktop
	case containsAny(ua, programs[:]):
		return AgentProgram
	}
	return AgentUnknown
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// Bits that are kept of an address.
const (
	netBits4 = 24
	netBits6 = 48
)

// NetOf truncates an address to what the log may keep: /24 of IPv4, /48 of IPv6.
// An invalid address gives the zero prefix.
func NetOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := netBits6
	if a.Is4() {
		bits = netBits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// AnonymousOf returns the id under which a client-made visitor id is kept in a write key's
// namespace: a hash, since such ids are free text and may name a person.
func AnonymousOf(key id.WriteKey, clientID string) [16]byte {
	return hashed(key, "anonymous", clientID)
}

// UserOf returns the same of an id that a brand's own site knows a person by.
func UserOf(key id.WriteKey, userID string) [16]byte { return hashed(key, "user", userID) }

// NameOf returns the id under which the name of a Custom event is kept in a write key's namespace:
// a hash, since names are free text. Who knows the name finds its events; nobody reads it out of them.
func NameOf(key id.WriteKey, name string) [16]byte { return hashed(key, "event", name) }

// hashed returns the first half of a SHA-256 of the texts. sort keeps different things of one
// text apart.
func hashed(key id.WriteKey, sort, text string) [16]byte {
	h := sha256.New()
	h.Write([]byte(key))
	h.Write([]byte{0})
	h.Write([]byte(sort))
	h.Write([]byte{0})
	h.Write([]byte(text))
	var sum [sha256.Size]byte
	return [16]byte(h.Sum(sum[:0])[:16])
}
