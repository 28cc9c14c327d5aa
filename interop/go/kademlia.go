package main

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multihash"
)

const mostProviders = 20

var errNoKademlia = errors.New("it was started without --kademlia")

// kademlia keeps and looks for provider records.
type kademlia struct {
	*room
	table *dht.IpfsDHT
}

func newKademlia(ctx context.Context, r *room) (*kademlia, error) {
	table, err := dht.New(ctx, r.host, dht.Mode(dht.ModeServer))
	return &kademlia{r, table}, err
}

// asKey returns what the library takes for a key, whose bytes on the wire are these. It need be no multihash for that.
func asKey(key string) (cid.Cid, error) {
	bytes, err := hex.DecodeString(key)
	if err != nil {
		return cid.Undef, err
	}
	return cid.NewCidV1(cid.Raw, multihash.Multihash(bytes)), nil
}

func (k *kademlia) provide(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	what, err := asKey(key)
	if err == nil {
		err = k.table.Provide(ctx, what, true)
	}
	if err != nil {
		k.tell("provide_failed", values{"key": key, "reason": err.Error()})
		return
	}
	k.tell("provided", values{"key": key})
}

func (k *kademlia) find(ctx context.Context, key string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	what, err := asKey(key)
	if err != nil {
		k.refuse("find", err)
		return
	}
	peers := []peer.ID{}
	for info := range k.table.FindProvidersAsync(ctx, what, mostProviders) {
		peers = append(peers, info.ID)
		k.tell("peer_found", values{"peer_id": info.ID, "addresses": info.Addrs})
	}
	k.tell("providers", values{"key": key, "peers": peers})
}
