package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/skip2/go-qrcode"
)

// welcome prints where the demo is and whom to sign in as. addr is where it listens and wanted where
// it was asked to.
func (d *running) welcome(s *server, addr, wanted string) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMezzo's demo: %s\n", s.url)
	if addr != wanted {
		fmt.Fprintf(&b, "(The port of %s is taken by another program, so this one took the next; --addr chooses.)\n", wanted)
	}
	fmt.Fprintf(&b, "People, goods and money in it are made up, and thrown away when it ends.\n\nSign in with the password %s as\n", d.password)
	for _, who := range d.world.Load().SignIns() {
		fmt.Fprintf(&b, "  %-9s %-24s %s\n", who.Role, who.Email, who.What)
	}
	b.WriteString(onPhone(s.url, addr))
	fmt.Fprintf(&b, "\nIt is being filled; %s/api/v1/demo says how far it has come.\n", s.url)
	fmt.Fprint(d.out, b.String())
}

// onPhone returns the address for a phone in the same network and its QR code; "" where only this
// machine reaches the demo or there is no network.
func onPhone(local, addr string) string {
	u, err := url.Parse(local)
	if err != nil || loopback(addr) {
		return ""
	}
	ip := lanAddress()
	if host, _, err := net.SplitHostPort(addr); err == nil && host != "" {
		if named := net.ParseIP(host); named != nil && !named.IsUnspecified() {
			ip = named
		}
	}
	if ip == nil {
		return ""
	}
	there := "http://" + net.JoinHostPort(ip.String(), u.Port())
	said := "\nOn a phone in the same network: " + there + "\n"
	if code, err := qrcode.New(there, qrcode.Low); err == nil {
		said += code.ToSmallString(false)
	}
	return said
}

// lanAddress returns this machine's address in its network: the first private one of a card that is
// up, nil without any.
func lanAddress() net.IP {
	cards, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for _, card := range cards {
		if card.Flags&net.FlagUp == 0 || card.Flags&net.FlagLoopback != 0 {
			continue
		}
		addresses, err := card.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsPrivate() {
				return n.IP
			}
		}
	}
	return nil
}
