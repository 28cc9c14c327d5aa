// A js-libp2p peer of the chat, configured as the Node peer of Universal Connectivity is. It tells what it sees in the
// words of `py-peer --json`, a JSON object a line, and does what it reads: {"command": "say", "text": "hello"}. Files
// and direct messages are those of the browser peer.
//
//   node peer.mjs --port PORT [--connect MULTIADDR ...] [--ws PORT] [--quic PORT] [--ip6] [--security noise|tls ...]
//                 [--relay MULTIADDR ...] [--relayed] [--relay-server] [--unlimited] [--limited] [--dcutr] [--autonat]
//                 [--mdns] [--discovery] [--interval MS]
//
// --ip6: listens on IPv6, too. --security: what is offered, in this order. --relay: to be reached through it; who only
// calls through one needs --relayed. --relay-server: a relay with its own limits, or without with --unlimited. --limited:
// gossip over relayed connections with limits as well, which the big ones do not have. --interval: pause between
// announcements on the discovery topic; the Node and the browser peer have 10,000 ms.

import './promises.mjs'

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { mdns } from '@libp2p/mdns'
import { peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { pubsubPeerDiscovery } from '@libp2p/pubsub-peer-discovery'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

import { Direct } from './direct.mjs'
import { Files } from './files.mjs'

const CHAT = 'universal-connectivity'
const DISCOVERY = 'universal-connectivity-browser-peer-discovery'

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    ws: { type: 'string' },
    quic: { type: 'string' },
    ip6: { type: 'boolean', default: false },
    security: { type: 'string', multiple: true, default: ['noise'] },
    relay: { type: 'string', multiple: true, default: [] },
    relayed: { type: 'boolean', default: false },
    'relay-server': { type: 'boolean', default: false },
    unlimited: { type: 'boolean', default: false },
    limited: { type: 'boolean', default: false },
    dcutr: { type: 'boolean', default: false },
    autonat: { type: 'boolean', default: false },
    connect: { type: 'string', multiple: true, default: [] },
    mdns: { type: 'boolean', default: false },
    discovery: { type: 'boolean', default: false },
    interval: { type: 'string', default: '10000' }
  }
})

const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)
const seqnoHash = message => createHash('sha256').update(message.sequenceNumber.toString()).digest()

// What is not asked for is not imported.
const made = async (wanted, name, of, ...settings) => wanted ? [(await import(name))[of](...settings)] : []
const service = async (wanted, name, of, ...settings) => {
  const [one] = await made(wanted, name, of, ...settings)
  return one && { [of]: one }
}
const RELAY = '@libp2p/circuit-relay-v2'

const listen = ['/ip4/0.0.0.0', ...(options.ip6 ? ['/ip6/::'] : [])].flatMap(host => [
  `${host}/tcp/${options.port}`,
  ...(options.ws ? [`${host}/tcp/${options.ws}/ws`] : []),
  ...(options.quic ? [`${host}/udp/${options.quic}/quic-v1`] : [])
])

const node = await createLibp2p({
  start: false,
  addresses: { listen: [...listen, ...options.relay.map(address => `${address}/p2p-circuit`)] },
  transports: [
    tcp(),
    webSockets(),
    ...await made(options.quic, '@chainsafe/libp2p-quic', 'quic'),
    ...await made(options.relayed || options.relay.length > 0, RELAY, 'circuitRelayTransport')
  ],
  connectionEncrypters: (
    await Promise.all(options.security.map(name => name === 'tls' ? made(true, '@libp2p/tls', 'tls') : [noise()]))
  ).flat(),
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: async () => false },
  peerDiscovery: [
    ...(options.mdns ? [mdns()] : []),
    ...(options.discovery ? [pubsubPeerDiscovery({ interval: Number(options.interval), topics: [DISCOVERY] })] : [])
  ],
  services: {
    pubsub: gossipsub({
      allowPublishToZeroTopicPeers: true,
      msgIdFn: seqnoHash,
      ignoreDuplicatePublishError: true,
      runOnLimitedConnection: options.limited
    }),
    identify: identify(),
    ping: ping(),
    ...await service(options['relay-server'], RELAY, 'circuitRelayServer', {
      reservations: { applyDefaultLimit: !options.unlimited }
    }),
    ...await service(options.dcutr, '@libp2p/dcutr', 'dcutr'),
    ...await service(options.autonat, '@libp2p/autonat', 'autoNAT')
  }
})
const { pubsub } = node.services
const files = new Files(node, tell)
const direct = new Direct(node, tell)
const room = new Set()

function subscribed (peerId, joined) {
  if (joined === room.has(peerId)) return
  room[joined ? 'add' : 'delete'](peerId)
  tell(joined ? 'peer_joined' : 'peer_left', { peer_id: peerId })
}

node.addEventListener('peer:discovery', ({ detail: { id, multiaddrs } }) => {
  tell('peer_found', { peer_id: `${id}`, addresses: multiaddrs.map(String) })
  if (node.getConnections(id).length === 0) {
    node.dial(id).catch(error => tell('dial_failed', { peer_id: `${id}`, cause: `${error}` }))
  }
})
node.addEventListener('connection:open', ({ detail: { remotePeer, remoteAddr, direction } }) => {
  tell('peer_connected', { peer_id: `${remotePeer}`, address: `${remoteAddr}`, inbound: direction === 'inbound' })
})
node.addEventListener('peer:disconnect', ({ detail }) => {
  tell('peer_disconnected', { peer_id: `${detail}` })
  subscribed(`${detail}`, false)
})
pubsub.addEventListener('subscription-change', ({ detail: { peerId, subscriptions } }) => {
  for (const { topic, subscribe } of subscriptions) {
    if (topic === CHAT) subscribed(`${peerId}`, subscribe)
  }
})
pubsub.addEventListener('message', ({ detail: { topic, from, data } }) => {
  if (topic === CHAT) tell('message_received', { peer_id: `${from}`, text: new TextDecoder().decode(data) })
})

tell('started', { peer_id: `${node.peerId}` })
await node.start()
pubsub.subscribe(CHAT)
await files.start()
await direct.start()
tell('ready', { peer_id: `${node.peerId}`, addresses: node.getMultiaddrs().map(String) })

for (const address of options.connect) {
  node.dial(multiaddr(address)).catch(error => tell('dial_failed', { address, cause: `${error}` }))
}

const commands = {
  async say ({ text }) {
    await pubsub.publish(CHAT, new TextEncoder().encode(text))
    tell('message_sent', { text })
  },
  share: ({ path }) => files.share(path),
  offer: ({ file }) => files.offer(file),
  get: ({ peer, file }) => files.get(peerIdFromString(peer), file),
  msg: ({ peer, text }) => direct.send(peerIdFromString(peer), text)
}
createInterface({ input: process.stdin }).on('line', async line => {
  const { command, ...more } = JSON.parse(line)
  await commands[command](more)
})

process.on('SIGTERM', async () => {
  await node.stop()
  tell('ended')
  process.exit(0)
})
