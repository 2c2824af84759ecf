package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// askServers is how servers are asked for their settings. They answer a system account, or one
	// that imports this subject from it.
	askServers = "$SYS.REQ.SERVER.PING.VARZ"
	// answerWait is how long the next server has to answer.
	answerWait = 300 * time.Millisecond
)

// setting is what one server of an outer NATS says about itself.
type setting struct {
	Data struct {
		Name      string `json:"server_name"`
		JetStream struct {
			Config *struct {
				SyncAlways bool `json:"sync_always"`
			} `json:"config"`
		} `json:"jetstream"`
	} `json:"data"`
}

// checkOuter makes sure, as far as it can be seen, that what an outer NATS acknowledges is on
// disk. What is seen to be unsafe is refused; what cannot be seen is warned of.
func (l *Log) checkOuter(ctx context.Context) error {
	if l.server != nil {
		return nil
	}
	st, err := l.js.Stream(ctx, l.part.name)
	if err != nil {
		return fmt.Errorf("stream: the log could not be read in NATS: %w", err)
	}
	if st.CachedInfo().Config.PersistMode == jetstream.AsyncPersistMode {
		return fmt.Errorf("stream: the NATS stream %s has persist mode async and would lose what it acknowledged; make it anew without", l.part.name)
	}
	servers, err := l.askSettings(ctx)
	if err != nil {
		return fmt.Errorf("stream: NATS could not be asked for its settings: %w", err)
	}
	for _, s := range servers {
		if !s.Data.JetStream.Config.SyncAlways {
			return fmt.Errorf("stream: the NATS server %q does not sync every write, so a power cut would lose what it acknowledged; "+
				"set jetstream { sync_interval: always } and start it again", s.Data.Name)
		}
	}
	if len(servers) == 0 {
		l.log.Warn("whether the outer NATS syncs every write cannot be seen from here; see to it that every server runs with "+
			"jetstream { sync_interval: always }, or a power cut loses what was acknowledged",
			"to let it be seen", "import the service "+askServers+" from the system account")
	}
	return nil
}

// askSettings returns what the servers with JetStream say; none when this account may not ask.
func (l *Log) askSettings(ctx context.Context) ([]setting, error) {
	inbox := l.nc.NewInbox()
	sub, err := l.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe()
	if err := l.nc.PublishRequest(askServers, inbox, nil); err != nil {
		return nil, err
	}
	var servers []setting
	for {
		next, cancel := context.WithTimeout(ctx, answerWait)
		msg, err := sub.NextMsgWithContext(next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return servers, nil
		case err != nil:
			return nil, err
		}
		var s setting
		if json.Unmarshal(msg.Data, &s) == nil && s.Data.JetStream.Config != nil {
			servers = append(servers, s)
		}
	}
}
