package main

import (
	"context"
	"errors"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	discoveryTopic = "universal-connectivity-browser-peer-discovery"
	mdnsService    = "universal-connectivity"

	largestAnnouncement = 16 << 10
	dialsAtOnce         = 16
)

// lookAround finds others and is found, in the ways that are asked for.
func (r *room) lookAround(ctx context.Context, o *options) (err error) {
	if o.kademlia {
		if r.kad, err = newKademlia(ctx, r); err != nil {
			return err
		}
	}
	if o.mdns {
		if err := mdns.NewMdnsService(r.host, mdnsService, r.found).Start(); err != nil {
			return err
		}
	}
	if !o.discovery {
		return nil
	}
	topic, heard, err := r.join(discoveryTopic)
	if err != nil {
		return err
	}
	go r.announce(ctx, topic, o.interval)
	go r.hear(ctx, heard, func(_ peer.ID, data []byte) {
		if info, err := announced(data); err == nil {
			r.found.HandlePeerFound(info)
		}
	})
	return nil
}

// announce says on a topic who and where this peer is, at once and from time to time.
func (r *room) announce(ctx context.Context, topic *pubsub.Topic, interval time.Duration) {
	key, err := crypto.MarshalPublicKey(r.host.Peerstore().PubKey(r.host.ID()))
	if err != nil {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		announcement := appendBytes(nil, 1, key)
		for _, address := range append(r.host.Addrs(), r.places...) {
			announcement = appendBytes(announcement, 2, address.Bytes())
		}
		_ = topic.Publish(ctx, announcement)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// announced reads who and where somebody says to be.
func announced(announcement []byte) (info peer.AddrInfo, err error) {
	info.Addrs = []ma.Multiaddr{}
	if len(announcement) > largestAnnouncement {
		return info, errors.New("it is too large")
	}
	found, err := fields(announcement)
	if err != nil {
		return info, err
	}
	for _, one := range found {
		switch one.name {
		case 1:
			key, err := crypto.UnmarshalPublicKey(one.bytes)
			if err != nil {
				return info, err
			}
			if info.ID, err = peer.IDFromPublicKey(key); err != nil {
				return info, err
			}
		case 2:
			if at, err := ma.NewMultiaddrBytes(one.bytes); err == nil {
				if transport, _ := peer.SplitAddr(at); transport != nil {
					info.Addrs = append(info.Addrs, transport)
				}
			}
		}
	}
	return info, info.ID.Validate()
}

// found dials whoever is found, no more than some at once; who is left out will be found again.
type found struct {
	*room
	dials chan struct{}
}

func newFound(r *room) *found {
	return &found{r, make(chan struct{}, dialsAtOnce)}
}

// HandlePeerFound is called by the library when mDNS has found somebody.
func (f *found) HandlePeerFound(info peer.AddrInfo) {
	if info.ID == f.host.ID() || connected(f.host, info.ID) {
		return
	}
	select {
	case f.dials <- struct{}{}:
	default:
		return
	}
	f.tell("peer_found", values{"peer_id": info.ID, "addresses": info.Addrs})
	go func() {
		defer func() { <-f.dials }()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.host.Connect(ctx, info); err != nil {
			f.tell("dial_failed", values{"peer_id": info.ID, "cause": err.Error()})
		}
	}()
}
