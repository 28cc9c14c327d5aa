// The commands that Kademlia has.

import { fromString } from 'uint8arrays/from-string'

const PATIENCE = 15_000

// A key as it stands on the wire. js-libp2p wants a CID, of which it takes this alone.
const keyOf = hex => ({ multihash: { bytes: fromString(hex, 'hex') } })

// While nobody is in its table js-libp2p waits for somebody, for three minutes if it is let.
const patiently = () => ({ signal: AbortSignal.timeout(PATIENCE) })

export const kademlia = (node, tell) => ({
  async provide ({ key }) {
    let told = 0
    try {
      for await (const { name, messageType } of node.services.kadDHT.provide(keyOf(key), patiently())) {
        if (name === 'PEER_RESPONSE' && messageType === 'ADD_PROVIDER') told++
      }
      if (told === 0) throw new Error('nobody has taken it')
      tell('provided', { key })
    } catch (error) {
      tell('provide_failed', { key, reason: `${error}` })
    }
  },

  async find ({ key }) {
    const peers = []
    for await (const { id } of node.contentRouting.findProviders(keyOf(key), patiently())) {
      peers.push(`${id}`)
    }
    tell('providers', { key, peers })
  }
})
