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

import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

import { noise } from '@chainsafe/libp2p-noise'
import { mdns } from '@libp2p/mdns'
import { pubsubPeerDiscovery } from '@libp2p/pubsub-peer-discovery'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'

import { enter, services, settings } from './chat.mjs'

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

// What is not asked for is not imported.
const made = async (wanted, name, of, ...settings) => wanted ? [(await import(name))[of](...settings)] : []
const service = async (wanted, name, of, ...settings) => {
  const [one] = await made(wanted, name, of, ...settings)
  return one && { [of]: one }
}
const SECURITY = { noise: () => noise(), tls: async () => (await import('@libp2p/tls')).tls() }
const RELAY = '@libp2p/circuit-relay-v2'

const listen = ['/ip4/0.0.0.0', ...(options.ip6 ? ['/ip6/::'] : [])].flatMap(host => [
  `${host}/tcp/${options.port}`,
  ...(options.ws ? [`${host}/tcp/${options.ws}/ws`] : []),
  ...(options.quic ? [`${host}/udp/${options.quic}/quic-v1`] : [])
])

const node = await createLibp2p({
  ...settings,
  addresses: { listen: [...listen, ...options.relay.map(address => `${address}/p2p-circuit`)] },
  transports: [
    tcp(),
    webSockets(),
    ...await made(options.quic, '@chainsafe/libp2p-quic', 'quic'),
    ...await made(options.relayed || options.relay.length > 0, RELAY, 'circuitRelayTransport')
  ],
  connectionEncrypters: await Promise.all(options.security.map(name => SECURITY[name]())),
  peerDiscovery: [
    ...(options.mdns ? [mdns()] : []),
    ...(options.discovery ? [pubsubPeerDiscovery({ interval: Number(options.interval), topics: [DISCOVERY] })] : [])
  ],
  services: {
    ...services({ limited: options.limited }),
    ...await service(options['relay-server'], RELAY, 'circuitRelayServer', {
      reservations: { applyDefaultLimit: !options.unlimited }
    }),
    ...await service(options.dcutr, '@libp2p/dcutr', 'dcutr'),
    ...await service(options.autonat, '@libp2p/autonat', 'autoNAT')
  }
})
const { share, ...others } = await enter(node, tell)
const commands = { ...others, share: async ({ path }) => share(await readFile(path)) }
for (const address of options.connect) commands.connect({ address })

createInterface({ input: process.stdin }).on('line', async line => {
  const { command, ...more } = JSON.parse(line)
  await commands[command](more)
})

process.on('SIGTERM', async () => {
  await node.stop()
  tell('ended')
  process.exit(0)
})
