package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	tls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	ma "github.com/multiformats/go-multiaddr"
)

const agent = "universal-connectivity/go-peer"

// What all others together may hold here.
const (
	mostConnections = 1 << 10
	mostStreams     = 1 << 14
	mostMemory      = 1 << 30
)

var securities = map[string]libp2p.Option{
	"noise": libp2p.Security(noise.ID, noise.New),
	"tls":   libp2p.Security(tls.ID, tls.New),
}

// newHost returns a host that listens, with the library's settings but for the limits, of which there is one for all
// others together: those for each address and each peer are reached by a test in which many are on one machine. It asks
// no router for a port.
func newHost(o *options) (host.Host, error) {
	most := rcmgr.PartialLimitConfig{System: rcmgr.ResourceLimits{
		Conns: mostConnections, ConnsInbound: mostConnections, FD: mostConnections,
		Streams: mostStreams, StreamsInbound: mostStreams, Memory: mostMemory,
	}}
	limits, err := rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(most.Build(rcmgr.InfiniteLimits)),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 0, ConnCount: math.MaxInt}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 0, ConnCount: math.MaxInt}},
		),
	)
	if err != nil {
		return nil, err
	}
	settings := []libp2p.Option{
		libp2p.UserAgent(agent),
		libp2p.ListenAddrStrings(o.listen()...),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(quic.NewTransport),
		libp2p.Transport(websocket.New),
		libp2p.ResourceManager(limits),
	}
	if len(o.security) == 0 {
		settings = append(settings, securities["noise"])
	}
	for _, name := range o.security {
		security, known := securities[name]
		if !known {
			return nil, fmt.Errorf("--security is noise or tls, and not %q", name)
		}
		settings = append(settings, security)
	}
	made, err := libp2p.New(append(settings, relaySettings(o)...)...)
	if err != nil {
		return nil, err
	}
	// The library is content with one address of several.
	if there := made.Network().ListenAddresses(); len(there) < len(o.listen()) {
		return nil, fmt.Errorf("cannot listen on all of %v: only on %v", o.listen(), there)
	}
	return made, nil
}

// relaySettings returns what has to do with relays, none of which is on unless asked for.
func relaySettings(o *options) []libp2p.Option {
	if !o.relayed && !o.relayServer && !o.dcutr && len(o.relay) == 0 {
		return []libp2p.Option{libp2p.DisableRelay()}
	}
	settings := []libp2p.Option{libp2p.EnableRelay()}
	if o.relayServer {
		var limits []relay.Option
		if o.unlimited {
			limits = append(limits, relay.WithInfiniteLimits())
		}
		settings = append(settings, libp2p.EnableRelayService(limits...), libp2p.ForceReachabilityPublic())
	}
	if o.dcutr {
		settings = append(settings, libp2p.EnableHolePunching())
	}
	return settings
}

// dial connects to a peer at an address that may lack its ID. go-libp2p dials nobody whose ID it does not know, but
// tells who is there, so it is told of a peer that nobody is first.
func dial(ctx context.Context, h host.Host, address string) error {
	at, err := ma.NewMultiaddr(address)
	if err != nil {
		return err
	}
	transport, id := peer.SplitAddr(at)
	if transport == nil {
		return fmt.Errorf("%s says where nobody is", address)
	}
	if id == "" {
		if id, err = whoIs(ctx, h, transport); err != nil {
			return err
		}
	}
	return h.Connect(ctx, peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{transport}})
}

// whoIs returns the ID of the peer at an address.
func whoIs(ctx context.Context, h host.Host, at ma.Multiaddr) (peer.ID, error) {
	_, key, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	nobody, err := peer.IDFromPublicKey(key)
	if err != nil {
		return "", err
	}
	err = h.Connect(ctx, peer.AddrInfo{ID: nobody, Addrs: []ma.Multiaddr{at}})
	var other sec.ErrPeerIDMismatch
	if errors.As(err, &other) {
		return other.Actual, nil
	}
	return "", err
}

// connected says whether there is a connection to a peer.
func connected(h host.Host, id peer.ID) bool {
	return h.Network().Connectedness(id) == network.Connected
}
