// A bare js-libp2p node for the benchmark, configured as the Node peer of Universal Connectivity is, but for the one line
// that says why. It takes the commands of benchmarks/node_peer.py and tells what that tells, but for what is counted. process.hrtime and Python's
// time.monotonic are one clock.

import './promises.mjs'

import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setImmediate, setTimeout } from 'node:timers/promises'

import { gossipsub } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const TOPIC = 'bench'
const TEXT_BYTES = 100
const MESSAGES_PER_TURN = 16
const ZEROS = '/py-peer/bench/1.0.0'
const BLOCK = new Uint8Array(256 * 1024)

const now = () => Number(process.hrtime.bigint()) / 1e9
const say = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)
const encoder = new TextEncoder()
const decoder = new TextDecoder()

const node = await createLibp2p({
  start: false,
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  connectionGater: { denyDialMultiaddr: async () => false },
  connectionMonitor: { enabled: false }, // a ping that waits behind a burst would end the connection
  services: {
    pubsub: gossipsub({
      allowPublishToZeroTopicPeers: true,
      msgIdFn: message => createHash('sha256').update(message.sequenceNumber.toString()).digest(),
      ignoreDuplicatePublishError: true
    }),
    identify: identify(),
    ping: ping()
  }
})
const { pubsub } = node.services

let expected = 0
let numbers = []
let delays = []
let first = 0
let last = 0

function report () {
  const inOrder = numbers.every((number, index) => index === 0 || numbers[index - 1] <= number)
  say('received', { delays, in_order: inOrder, distinct: new Set(numbers).size, seconds: last - first })
}

pubsub.addEventListener('message', ({ detail: { topic, data } }) => {
  if (topic !== TOPIC) return
  last = now()
  first ||= last
  const [number, saidAt] = decoder.decode(data).split(' ', 2).map(Number)
  delays.push(last - saidAt)
  numbers.push(number)
  if (numbers.length === expected) report()
})
pubsub.addEventListener('subscription-change', ({ detail: { subscriptions } }) => {
  if (subscriptions.some(({ topic, subscribe }) => topic === TOPIC && subscribe)) say('joined')
})
node.addEventListener('peer:disconnect', () => say('failed', { reason: 'the connection has ended' }))

// Sends as many zeros as are asked for: eight bytes say how many.
async function * zeros (source) {
  const asked = new Uint8Array(8)
  let length = 0
  for await (const part of source) {
    asked.set(part.subarray(), length)
    length += part.byteLength
    if (length === asked.length) break
  }
  let left = Number(new DataView(asked.buffer).getBigUint64(0))
  for (; left > BLOCK.length; left -= BLOCK.length) yield BLOCK
  yield BLOCK.subarray(0, left)
}

await node.handle(ZEROS, ({ stream }) => {
  stream.sink(zeros(stream.source)).catch(error => say('failed', { reason: `${error}` }))
})

const commands = {
  dial: ({ address }) => node.dial(multiaddr(address)),

  expect ({ count }) {
    expected = count
    numbers = []
    delays = []
    first = 0
    say('expecting')
  },

  // Says `count` texts, evenly, at `rate` a second; 0: as fast as they go.
  async send ({ count, rate }) {
    const start = now()
    for (let number = 0; number < count; number++) {
      const wait = rate ? start + number / rate - now() : 0
      if (wait > 0) await setTimeout(wait * 1000)
      const text = `${number} ${now().toFixed(6)} `.padEnd(TEXT_BYTES, '.')
      await pubsub.publish(TOPIC, encoder.encode(text))
      if (number % MESSAGES_PER_TURN === 0) await setImmediate()
    }
    say('sent')
  },

  report,

  async fetch ({ address, count }) {
    const stream = await node.dialProtocol(multiaddr(address), ZEROS)
    const start = now()
    const asked = new Uint8Array(8)
    new DataView(asked.buffer).setBigUint64(0, BigInt(count))
    await stream.sink([asked])
    let left = count
    for await (const part of stream.source) left -= part.byteLength
    if (left !== 0) throw new Error(`${left} bytes of ${count} did not come`)
    say('fetched', { seconds: now() - start })
  }
}

await node.start()
pubsub.subscribe(TOPIC)
say('ready', { address: `${node.getMultiaddrs()[0]}` })

// One thing after the other, until the parent is gone.
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...more } = JSON.parse(line)
  try {
    await commands[what](more)
  } catch (error) {
    say('failed', { reason: `${error}` })
  }
}
process.exit(0)
