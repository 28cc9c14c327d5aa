// Direct messages as the browser peer does them: a protobuf each way on a stream of its own, within 5 seconds.

import { pbStream } from 'it-protobuf-stream'
import { decodeMessage, encodeMessage, enumeration, message } from 'protons-runtime'

const PROTOCOL = '/universal-connectivity/dm/1.0.0'
const PATIENCE = 5000

// protons makes such codecs from a .proto file. A field is [number, name, wire].
const string = { kind: 2, write: (writer, value) => writer.string(value), read: reader => reader.string(), empty: '' }
const int64 = { kind: 0, write: (writer, value) => writer.int64(value), read: reader => reader.int64(), empty: 0n }
const nested = codec => ({
  kind: 2,
  write: (writer, value) => codec.encode(value, writer),
  read: reader => codec.decode(reader, reader.uint32())
})
const enumerated = (codec, empty) => ({
  kind: 0,
  write: (writer, value) => codec.encode(value, writer),
  read: reader => codec.decode(reader),
  empty
})

function codec (...fields) {
  return message(
    (value, writer, { lengthDelimited } = {}) => {
      if (lengthDelimited !== false) writer.fork()
      for (const [number, name, wire] of fields) {
        if (value[name] == null || value[name] === wire.empty) continue
        writer.uint32(number << 3 | wire.kind)
        wire.write(writer, value[name])
      }
      if (lengthDelimited !== false) writer.ldelim()
    },
    (reader, length) => {
      const end = length == null ? reader.len : reader.pos + length
      const value = Object.fromEntries(
        fields.filter(([, , wire]) => wire.empty !== undefined).map(([, name, wire]) => [name, wire.empty])
      )
      while (reader.pos < end) {
        const tag = reader.uint32()
        const [, name, wire] = fields.find(([number]) => number === tag >>> 3) ?? []
        if (wire === undefined) reader.skipType(tag & 7)
        else value[name] = wire.read(reader)
      }
      return value
    }
  )
}

const METADATA = codec([1, 'clientVersion', string], [2, 'timestamp', int64])
const STATUS = enumeration({ UNKNOWN: 0, OK: 200, ERROR: 500, 0: 'UNKNOWN', 200: 'OK', 500: 'ERROR' })
const REQUEST = codec([1, 'metadata', nested(METADATA)], [2, 'content', string], [3, 'type', string])
const RESPONSE = codec(
  [1, 'metadata', nested(METADATA)],
  [2, 'status', enumerated(STATUS, 'UNKNOWN')],
  [3, 'statusText', { ...string, empty: undefined }]
)

const proto = codec => ({ encode: value => encodeMessage(value, codec), decode: bytes => decodeMessage(bytes, codec) })
const metadata = () => ({ clientVersion: '0.0.1', timestamp: BigInt(Date.now()) })

export class Direct {
  #node
  #tell
  #sending = Promise.resolve()

  constructor (node, tell) {
    this.#node = node
    this.#tell = tell
  }

  async start () {
    await this.#node.handle(PROTOCOL, ({ stream, connection }) => {
      const peer = `${connection.remotePeer}`
      this.#receive(stream, peer).catch(error => console.error(`a direct message of ${peer}: ${error}`))
    })
  }

  // A person sends one after the other; js-libp2p would have no more than 64 streams of a protocol at once.
  send (peer, text) {
    this.#sending = this.#sending.then(() => this.#send(peer, text))
  }

  async #send (peer, text) {
    const told = { peer_id: `${peer}`, text }
    try {
      const connection = await this.#node.dial(peer, { signal: AbortSignal.timeout(PATIENCE) })
      const stream = await connection.newStream(PROTOCOL, { negotiateFully: false })
      const messages = pbStream(stream)
      const signal = AbortSignal.timeout(PATIENCE)
      await messages.write({ metadata: metadata(), content: text, type: 'text/plain' }, proto(REQUEST), { signal })
      const response = await messages.read(proto(RESPONSE), { signal })
      if (!response.metadata) throw new Error('No metadata in response')
      if (response.status !== 'OK') throw new Error(`Received status: ${response.status} ${response.statusText ?? ''}`)
      await stream.close({ signal })
      this.#tell('direct_sent', told)
    } catch (error) {
      this.#tell('direct_refused', { ...told, reason: `${error}` })
    }
  }

  async #receive (stream, peer) {
    const messages = pbStream(stream)
    const signal = AbortSignal.timeout(PATIENCE)
    try {
      const { content, type } = await messages.read(proto(REQUEST), { signal })
      await messages.write({ metadata: metadata(), status: 'OK' }, proto(RESPONSE), { signal })
      this.#tell('direct_received', { peer_id: peer, text: content, type })
    } catch (error) {
      stream.abort(error)
      throw error
    }
    await stream.close({ signal: AbortSignal.timeout(PATIENCE) })
  }
}
