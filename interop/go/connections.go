package main

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// connections tells of each that begins, and of the last one to a peer when it has ended.
type connections struct {
	*teller
	mutex sync.Mutex
	count map[peer.ID]int
}

func newConnections(t *teller) *connections {
	return &connections{teller: t, count: map[peer.ID]int{}}
}

func (c *connections) notifiee() network.Notifiee {
	return &network.NotifyBundle{ConnectedF: c.connected, DisconnectedF: c.disconnected}
}

func (c *connections) connected(_ network.Network, one network.Conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.count[one.RemotePeer()]++
	c.tell("peer_connected", values{
		"peer_id": one.RemotePeer(), "address": one.RemoteMultiaddr().String(),
		"inbound": one.Stat().Direction == network.DirInbound,
	})
}

func (c *connections) disconnected(_ network.Network, one network.Conn) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	id := one.RemotePeer()
	if c.count[id]--; c.count[id] == 0 {
		delete(c.count, id)
		c.tell("peer_disconnected", values{"peer_id": id})
	}
}
