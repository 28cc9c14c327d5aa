package main

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/routing"
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

// do does what has to do with one key.
func (k *kademlia) do(ctx context.Context, one command) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	key := one.text["key"]
	switch one.name {
	case "provide":
		k.provide(ctx, key)
	case "find":
		k.find(ctx, key)
	case "put_value":
		k.put(ctx, key, one.text["value"])
	case "get_value":
		k.get(ctx, key)
	}
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

// put has a value kept, which is only possible below /pk/ and /ipns/: its library takes no other validators for /ipfs/kad.
func (k *kademlia) put(ctx context.Context, key, value string) {
	bytes, err := hex.DecodeString(key)
	if err == nil {
		var body []byte
		if body, err = hex.DecodeString(value); err == nil {
			err = k.table.PutValue(ctx, string(bytes), body)
		}
	}
	if err != nil {
		k.tell("put_failed", values{"key": key, "reason": err.Error()})
		return
	}
	k.tell("value_put", values{"key": key})
}

func (k *kademlia) get(ctx context.Context, key string) {
	bytes, err := hex.DecodeString(key)
	if err != nil {
		k.refuse("get_value", err)
		return
	}
	value, err := k.table.GetValue(ctx, string(bytes))
	switch {
	case errors.Is(err, routing.ErrNotFound):
		k.tell("value", values{"key": key, "value": nil})
	case err != nil:
		k.tell("get_failed", values{"key": key, "reason": err.Error()})
	default:
		k.tell("value", values{"key": key, "value": hex.EncodeToString(value)})
	}
}
