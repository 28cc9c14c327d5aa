// A js-libp2p peer of the chat, configured as the Node peer of Universal Connectivity is. Files and direct messages are
// those of the browser peer. Options, commands and events are those of interop/README.md, and more options:
//
// --limited: gossip over relayed connections with limits as well, which the big ones do not have. --autonat: ask others
// to dial back, and do it for them.

import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

import { noise } from '@chainsafe/libp2p-noise'
import { mdns } from '@libp2p/mdns'
import { pubsubPeerDiscovery } from '@libp2p/pubsub-peer-discovery'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

import { enter, services, settings } from './chat.mjs'
import { obey } from './commands.mjs'
import { kademlia } from './kademlia.mjs'
import { parse, refuse, sentence } from './options.mjs'

const DISCOVERY = 'universal-connectivity-browser-peer-discovery'
const RELAY = '@libp2p/circuit-relay-v2'
const SECURITY = { noise: () => noise(), tls: async () => (await import('@libp2p/tls')).tls() }
const PATIENCE = 3000

const options = parse({
  port: { type: 'string' },
  ws: { type: 'string' },
  quic: { type: 'string' },
  ip6: { type: 'boolean', default: false },
  connect: { type: 'string', multiple: true, default: [] },
  security: { type: 'string', multiple: true, default: ['noise'] },
  relay: { type: 'string', multiple: true, default: [] },
  relayed: { type: 'boolean', default: false },
  'relay-server': { type: 'boolean', default: false },
  unlimited: { type: 'boolean', default: false },
  limited: { type: 'boolean', default: false },
  dcutr: { type: 'boolean', default: false },
  autonat: { type: 'boolean', default: false },
  mdns: { type: 'boolean', default: false },
  discovery: { type: 'boolean', default: false },
  interval: { type: 'string', default: '10000' },
  kademlia: { type: 'boolean', default: false }
})
for (const name of options.security) {
  if (!Object.hasOwn(SECURITY, name)) refuse(`--security is noise or tls, not ${name}`)
}

const PORT = [0, 65535]
for (const [name, [least, most]] of Object.entries({ port: PORT, ws: PORT, quic: PORT, interval: [1, 2 ** 31 - 1] })) {
  const value = options[name] ?? String(least)
  if (!/^\d+$/.test(value) || value < least || value > most) {
    refuse(`--${name} is a number from ${least} to ${most}, not ${value}`)
  }
}
for (const address of [...options.relay, ...options.connect]) {
  try {
    multiaddr(address)
  } catch (error) {
    refuse(`${address} is no multiaddr: ${error.message}`)
  }
}

const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)

// What is not asked for is not imported.
const made = async (wanted, name, of, ...settings) => wanted ? [(await import(name))[of](...settings)] : []
const service = async (wanted, name, of, ...settings) => {
  const [one] = await made(wanted, name, of, ...settings)
  return one && { [of]: one }
}

// QUIC is a program made for each system: where there is none, nobody is dialled over it.
const quic = () => made(true, '@chainsafe/libp2p-quic', 'quic').catch(error => options.quic ? refuse(`${error}`) : [])

const listen = ['/ip4/0.0.0.0', ...(options.ip6 ? ['/ip6/::'] : [])].flatMap(host => [
  ...(options.port ? [`${host}/tcp/${options.port}`] : []),
  ...(options.ws ? [`${host}/tcp/${options.ws}/ws`] : []),
  ...(options.quic ? [`${host}/udp/${options.quic}/quic-v1`] : [])
])

const node = await createLibp2p({
  ...settings,
  addresses: { listen: [...listen, ...options.relay.map(address => `${address}/p2p-circuit`)] },
  transports: [
    tcp(),
    webSockets(),
    ...await quic(),
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
    ...await service(options.autonat, '@libp2p/autonat', 'autoNAT'),
    // By itself it would write down no address of a private network.
    ...await service(options.kademlia, '@libp2p/kad-dht', 'kadDHT', { clientMode: false, peerInfoMapper: peer => peer })
  }
})

async function leave () {
  await Promise.race([node.stop(), new Promise(resolve => setTimeout(resolve, PATIENCE))])
  process.exit(0)
}
process.on('SIGTERM', leave)

// What it is to listen on may be taken, and a relay may not be there.
const { share, ...others } = await enter(node, tell).catch(error => refuse(sentence(error), 1))
const commands = {
  ...others,
  ...(options.kademlia ? kademlia(node, tell) : {}),
  share: async ({ path }) => share(await readFile(path)),
  stats ({ id }) {
    const { user, system } = process.cpuUsage()
    tell('statistics', { id, memory_bytes: process.memoryUsage.rss(), cpu_seconds: (user + system) / 1e6 })
  }
}
for (const address of options.connect) commands.connect({ address })

createInterface({ input: process.stdin }).on('line', line => obey(line, commands, tell)).on('close', leave)
