package main

import (
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mezzo/internal/money"
	"mezzo/internal/order"
)

// storeFlags say where everything is kept; every command that opens it shares them.
type storeFlags struct {
	Data           string        `default:"data" placeholder:"DIR" help:"Folder for all that is kept on this machine: database, log, media. Made when it is not there. Default: ${default}."`
	Database       string        `placeholder:"URL" help:"PostgreSQL to use instead of the embedded SQLite: postgres://user:password@host/name."`
	Nats           string        `placeholder:"URL" help:"NATS with JetStream to use instead of the embedded one: nats://host:4222. Its servers must run with jetstream sync_interval: always, or a power cut loses what was acknowledged: one seen not to is refused, and where it cannot be seen the start warns."`
	StreamMaxAge   time.Duration `default:"72h" placeholder:"HOURS" help:"How long the log of events keeps what happened, such as 72h; older records are in the archive. Default: ${default}."`
	StreamMaxBytes byteSize      `default:"10GiB" placeholder:"SIZE" help:"Most disk the log of events may take, such as 500MiB or 10GiB. Default: ${default}."`
	PayeeKeys      string        `placeholder:"FILE" help:"File of the keys that open who is paid and where to. Servers that share a database share it; keep a copy apart from the database. Default: payees.keys in the folder of --data, made when nothing is sealed yet."`

	past time.Duration // how far behind the machine's the clock of a new folder begins
}

// The least a log may be bounded to: it must hold what waits for its readers.
const (
	minStreamAge   = time.Minute
	minStreamBytes = byteSize(16 << 20)
)

// byteSize is a number of bytes, written as 500MiB or 10GiB.
type byteSize int64

// sizes are the units, largest first.
var sizes = [...]struct {
	unit  string
	bytes byteSize
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a whole number and its unit.
func (b *byteSize) UnmarshalText(text []byte) error {
	for _, s := range sizes {
		number, ok := strings.CutSuffix(string(text), s.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/int64(s.bytes) {
			break
		}
		*b = byteSize(n) * s.bytes
		return nil
	}
	return fmt.Errorf("%q is not a size such as 500MiB or 10GiB", text)
}

// String writes the size in the largest unit that it is whole in.
func (b byteSize) String() string {
	for _, s := range sizes {
		if b >= s.bytes && b%s.bytes == 0 {
			return strconv.FormatInt(int64(b/s.bytes), 10) + s.unit
		}
	}
	return "0B"
}

// serveFlags are what `mezzo serve` can be told.
type serveFlags struct {
	storeFlags
	Addr             string   `default:":8080" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one. Default: ${default}, every address of this machine."`
	PublicURL        string   `placeholder:"URL" help:"What people type to reach this shop, such as https://shop.example. Default: http://localhost with the port of --addr."`
	PlatformFeeBps   int      `default:"600" placeholder:"BPS" help:"The platform's part of goods after brand vouchers, in basis points: 600 is 6 %. Default: ${default}."`
	ReserveBps       int      `default:"0" placeholder:"BPS" help:"What is kept back of a brand's share of the goods when it is released, in basis points, for refunds that come later; the operator can set it for each brand. Default: ${default}."`
	ReserveDays      int      `default:"30" placeholder:"DAYS" help:"How long it is kept back. Default: ${default}."`
	HoldDays         int      `default:"15" placeholder:"DAYS" help:"Days a sale's money is held after delivery where no program says otherwise. Default: ${default}."`
	Payments         string   `default:"sandbox" enum:"sandbox,stripe" help:"Who takes buyers' money: sandbox (play money) or stripe. Stripe needs its secret key in MEZZO_STRIPE_KEY and its webhook's secret in MEZZO_STRIPE_WEBHOOK_SECRET (several with commas between them; neither has a flag: everybody on a machine can read its command lines), and --public-url. Default: ${default}."`
	StripeURL        string   `placeholder:"URL" help:"Where Stripe's API is, to try Mezzo against another server that speaks like it. Default: Stripe's own."`
	PayoutRail       string   `default:"auto" enum:"auto,sandbox,manual,stripe" help:"How money leaves: sandbox (play money, paid at once), manual (a CSV file for your bank, and a CSV file of what came of it) or stripe (transfers to connected accounts). auto is where buyers' money goes: sandbox or stripe. Default: ${default}."`
	PayoutBank       string   `default:"main" placeholder:"NAME" help:"What the books call the bank that manual payouts leave from: bank:NAME. Default: ${default}."`
	SandboxClock     bool     `help:"Let an operator turn the shop's clock forward, to try holds and timers in a minute. Never where real money moves."`
	TrustProxy       bool     `help:"Believe the X-Forwarded-For and X-Forwarded-Proto headers of the proxy in front. Only when nobody else can reach this address."`
	NoLimits         bool     `help:"Lift the limits on how often one may ask, for load tests on this machine. Only with a loopback --addr."`
	OperatorEmail    string   `placeholder:"EMAIL" help:"Sign-in of the first operator, made at start when it is not there."`
	OperatorPassword string   `placeholder:"PASSWORD" help:"Their password. Set MEZZO_OPERATOR_PASSWORD rather than the flag: everybody on a machine can read its command lines."`
	ArchiveDays      int      `default:"35" placeholder:"DAYS" help:"How many days the archive keeps what the log has let go of, as hourly Parquet files; 0 keeps none. With fewer than 32 days the numbers of four weeks cannot be made again from records. Default: ${default}."`
	Pprof            string   `placeholder:"HOST:PORT" help:"Serve profiles of the running program (Go's pprof) at this address too; only one that this machine alone reaches. Off by default."`
	Webhooks         string   `default:"off" enum:"off,public,local" help:"Whether brands may be told at addresses of their own what happens to them: off; public, https addresses of the open internet; local, this machine and private networks too, for tests. Default: ${default}."`
	Memory           byteSize `placeholder:"SIZE" help:"Most memory the program's own heap should take, such as 3GiB; the ranking's arrays and the database's pages come on top. Default: what GOMEMLIMIT says, else 70 % of what the machine or its control group has."`
	DrainSeconds     int      `default:"20" placeholder:"SECONDS" help:"How long requests under way may take to finish at a stop. Default: ${default}."`

	stripeKey     string // MEZZO_STRIPE_KEY
	stripeSecrets string // MEZZO_STRIPE_WEBHOOK_SECRET

	demo   bool       // everything in it is made up, and marked so
	status func() any // how far a demo has come, for GET /api/v1/demo
}

// Validate refuses what would only fail later, or worse, not fail.
func (f *storeFlags) Validate() error {
	switch {
	case f.Data == "":
		return fmt.Errorf("--data is empty: name a folder")
	case f.Database != "" && !strings.HasPrefix(f.Database, "postgres://") && !strings.HasPrefix(f.Database, "postgresql://"):
		return fmt.Errorf("--database must begin with postgres://; leave it out for the embedded SQLite")
	case f.Nats != "" && !strings.Contains(f.Nats, "://"):
		return fmt.Errorf("--nats must be a URL such as nats://host:4222; leave it out for the embedded log")
	case f.StreamMaxAge < minStreamAge || f.StreamMaxAge > 365*24*time.Hour:
		return fmt.Errorf("--stream-max-age must be %v to 8760h", minStreamAge)
	case f.StreamMaxBytes < minStreamBytes:
		return fmt.Errorf("--stream-max-bytes must be %v at least", minStreamBytes)
	}
	return nil
}

// Validate refuses rates, times and addresses that cannot be meant.
func (f *serveFlags) Validate() error {
	if err := f.storeFlags.Validate(); err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(f.Addr); err != nil {
		return fmt.Errorf("--addr %q is not HOST:PORT, such as :8080 or 127.0.0.1:8080", f.Addr)
	}
	if f.PublicURL != "" {
		u, err := url.Parse(f.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return fmt.Errorf("--public-url %q is not a web address without a path, such as https://shop.example", f.PublicURL)
		}
	}
	switch {
	case f.Pprof != "" && !loopback(f.Pprof):
		return fmt.Errorf("--pprof shows the program from within: give it an address that only this machine reaches, such as 127.0.0.1:6060")
	case f.PlatformFeeBps < 0 || f.PlatformFeeBps > int(money.Whole)/2:
		return fmt.Errorf("--platform-fee-bps must be 0 to %d (50 %%)", money.Whole/2)
	case f.ReserveBps < 0 || f.ReserveBps > 10_000:
		return fmt.Errorf("--reserve-bps must be 0 to 10000")
	case f.ReserveDays < 0 || f.ReserveDays > order.MaxReserveDays:
		return fmt.Errorf("--reserve-days must be 0 to %d", order.MaxReserveDays)
	case strings.Trim(f.PayoutBank, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || len(f.PayoutBank) > 40:
		return fmt.Errorf("--payout-bank %q is not a name of small letters, figures, - and _", f.PayoutBank)
	case f.HoldDays < 0 || f.HoldDays > 60:
		return fmt.Errorf("--hold-days must be 0 to 60")
	case f.ArchiveDays < 0 || f.ArchiveDays > 3650:
		return fmt.Errorf("--archive-days must be 0 to 3650")
	case f.Memory != 0 && f.Memory < minMemory:
		return fmt.Errorf("--memory must be %v at least", minMemory)
	case f.DrainSeconds < 0 || f.DrainSeconds > 600:
		return fmt.Errorf("--drain-seconds must be 0 to 600")
	case (f.OperatorEmail == "") != (f.OperatorPassword == ""):
		return fmt.Errorf("give both --operator-email and --operator-password, or neither")
	}
	return f.validatePayments()
}

// loopback reports whether only this machine can reach the address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// drain is how long requests under way may take to finish at a stop.
func (f *serveFlags) drain() time.Duration { return time.Duration(f.DrainSeconds) * time.Second }

// reachable returns the address people are told when nobody said one: this machine's own.
func reachable(bound net.Addr) string {
	tcp, ok := bound.(*net.TCPAddr)
	if !ok {
		return "http://" + bound.String()
	}
	host := "localhost"
	if !tcp.IP.IsUnspecified() {
		host = tcp.IP.String()
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}
