// The commands that Kademlia has.

import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'

const PATIENCE = 15_000

// A key of providers as it stands on the wire. js-libp2p wants a CID, of which it takes this alone.
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
  },

  async put_value ({ key, value }) {
    const [at, body] = [key, value].map(hex => fromString(hex, 'hex'))
    const took = new Set()
    try {
      for await (const { name, messageType, record, from } of node.services.kadDHT.put(at, body, patiently())) {
        // Who takes it says it back.
        if (name !== 'PEER_RESPONSE' || messageType !== 'PUT_VALUE' || record === undefined) continue
        if (toString(record.value, 'hex') === value) took.add(`${from}`)
      }
      if (took.size === 0) throw new Error('nobody has taken it')
      tell('value_put', { key, took: took.size })
    } catch (error) {
      tell('put_failed', { key, reason: `${error}` })
    }
  },

  async get_value ({ key }) {
    const wanted = fromString(key, 'hex')
    try {
      let found = null
      for await (const { name, value } of node.services.kadDHT.get(wanted, patiently())) {
        if (name === 'VALUE') found = toString(value, 'hex')
      }
      tell('value', { key, value: found })
    } catch (error) {
      tell('get_failed', { key, reason: `${error}` })
    }
  }
})
