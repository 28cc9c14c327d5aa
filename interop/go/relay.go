package main

import (
	"context"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	ma "github.com/multiformats/go-multiaddr"
)

// How long before its end a place at a relay is asked for again, and how often the connection to it is looked at.
const (
	placeMargin = 2 * time.Minute
	placeLook   = time.Second
)

// takePlaces has a place at each of these relays and keeps it. The library does so by itself only with relays that have
// a public address.
func (r *room) takePlaces(ctx context.Context, relays []string) error {
	for _, address := range relays {
		at, err := ma.NewMultiaddr(address)
		if err != nil {
			return err
		}
		relay, err := peer.AddrInfoFromP2pAddr(at)
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		until, err := r.takePlace(ctx, *relay)
		if err != nil {
			return fmt.Errorf("no place at %s: %w", address, err)
		}
		go r.keepPlace(ctx, *relay, until)
		r.places = append(r.places, at.Encapsulate(ma.StringCast("/p2p-circuit")))
	}
	return nil
}

// takePlace returns until when there is one.
func (r *room) takePlace(ctx context.Context, relay peer.AddrInfo) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := r.host.Connect(ctx, relay); err != nil {
		return time.Time{}, err
	}
	reservation, err := client.Reserve(ctx, r.host, relay)
	if err != nil {
		return time.Time{}, err
	}
	return reservation.Expiration, nil
}

func (r *room) keepPlace(ctx context.Context, relay peer.AddrInfo, until time.Time) {
	r.host.ConnManager().Protect(relay.ID, "relay")
	look := time.NewTicker(placeLook)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if !connected(r.host, relay.ID) || time.Now().After(until.Add(-placeMargin)) {
			if again, err := r.takePlace(ctx, relay); err == nil {
				until = again
			}
		}
	}
}
