// What every js-libp2p peer here does alike, in Node and in a browser: it enters the room, tells what it sees in the
// words of `py-peer --json`, and does what it is told to, in the same words.

import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { multiaddr } from '@multiformats/multiaddr'
import { sha256 } from 'multiformats/hashes/sha2'

import { Direct } from './direct.mjs'
import { Files } from './files.mjs'

const CHAT = 'universal-connectivity'
const encode = text => new TextEncoder().encode(text)

// The settings of Universal Connectivity's Node and browser peers, but for transports and discovery, and for patience:
// js-libp2p ends a connection on which a ping is not answered within 5 s, and what waits there to be sent is lost. On a
// busy machine it was ended so in the middle of a hundred texts from each, by nobody's fault.
export const settings = {
  connectionMonitor: { pingTimeout: { minTimeout: 60_000 } },
  start: false,
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: async () => false }
}

export const services = ({ limited = false } = {}) => ({
  pubsub: gossipsub({
    allowPublishToZeroTopicPeers: true,
    msgIdFn: message => sha256.encode(encode(message.sequenceNumber.toString())),
    ignoreDuplicatePublishError: true,
    runOnLimitedConnection: limited
  }),
  identify: identify(),
  ping: ping()
})

// Starts the node and returns its commands. `share` takes a file's bytes, which are not read alike everywhere.
export async function enter (node, tell) {
  const { pubsub } = node.services
  const files = new Files(node, tell)
  const direct = new Direct(node, tell)
  const room = new Set()
  const topics = new Set() // beside the room

  function subscribed (peerId, joined) {
    if (joined === room.has(peerId)) return
    room[joined ? 'add' : 'delete'](peerId)
    tell(joined ? 'peer_joined' : 'peer_left', { peer_id: peerId })
  }

  // It is told of whoever comes, too.
  node.addEventListener('peer:discovery', ({ detail: { id, multiaddrs } }) => {
    if (node.getConnections(id).length > 0) return
    tell('peer_found', { peer_id: `${id}`, addresses: multiaddrs.map(String) })
    node.dial(id).catch(error => tell('dial_failed', { peer_id: `${id}`, cause: `${error}` }))
  })
  node.addEventListener('connection:open', ({ detail: { remotePeer, remoteAddr, direction } }) => {
    tell('peer_connected', { peer_id: `${remotePeer}`, address: `${remoteAddr}`, inbound: direction === 'inbound' })
  })
  node.addEventListener('peer:disconnect', ({ detail }) => {
    tell('peer_disconnected', { peer_id: `${detail}` })
    subscribed(`${detail}`, false)
  })
  node.addEventListener('peer:identify', ({ detail: { peerId, protocolVersion, agentVersion, protocols } }) => {
    tell('identified', {
      peer_id: `${peerId}`,
      protocol_version: protocolVersion ?? '',
      agent_version: agentVersion ?? '',
      protocols
    })
  })
  pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
    for (const { topic, subscribe } of subscriptions) {
      if (topic === CHAT) subscribed(`${peerId}`, subscribe)
    }
  })
  pubsub.addEventListener('message', ({ detail: { topic, from, data } }) => {
    const said = { peer_id: `${from}`, text: new TextDecoder().decode(data) }
    if (topic === CHAT) tell('message_received', said)
    if (topics.has(topic)) tell('message_received', { ...said, topic })
  })

  async function say (topic, text) {
    try {
      await pubsub.publish(topic, encode(text))
      tell('message_sent', { text })
    } catch (error) {
      tell('message_refused', { text, reason: `${error}` })
    }
  }

  tell('started', { peer_id: `${node.peerId}` })
  await node.start()
  pubsub.subscribe(CHAT)
  await files.start()
  await direct.start()
  tell('ready', { peer_id: `${node.peerId}`, addresses: node.getMultiaddrs().map(String) })

  return {
    async connect ({ address }) {
      try {
        await node.dial(multiaddr(address))
      } catch (error) {
        tell('dial_failed', { address, cause: `${error}` })
      }
    },
    async disconnect ({ peer }) {
      const id = peerIdFromString(peer)
      if (node.getConnections(id).length === 0) throw new Error('not connected')
      await node.hangUp(id)
    },
    say: ({ text }) => say(CHAT, text),
    topic ({ name }) {
      topics.add(name)
      pubsub.subscribe(name)
      tell('topic_joined', { topic: name })
    },
    say_on: ({ topic, text }) => say(topic, text),
    async ping ({ peer }) {
      const id = peerIdFromString(peer)
      try {
        const start = performance.now() // the answer is in whole milliseconds
        await node.services.ping.ping(id)
        tell('pinged', { peer_id: peer, rtt: (performance.now() - start) / 1000 })
      } catch (error) {
        tell('ping_failed', { peer_id: peer, reason: `${error}` })
      }
    },
    // What its GossipSub makes of each peer that it is connected to.
    scores: () => tell('scores', {
      scores: Object.fromEntries(node.getPeers().map(id => [`${id}`, pubsub.getScore(`${id}`)]))
    }),
    share: body => files.share(body),
    offer: ({ file }) => files.offer(file),
    get: ({ peer, file }) => files.get(peerIdFromString(peer), file),
    msg: ({ peer, text }) => direct.send(peerIdFromString(peer), text)
  }
}
