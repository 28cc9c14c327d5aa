// Files as the browser peer does them: a file's ID is said on a topic, and whoever hears it fetches the file at once.
// What is odd here is odd there: an unknown ID is an error in the middle of the answer, and what is fetched is decoded
// with the limit of it-length-prefixed, 4 MiB.

import all from 'it-all'
import * as lp from 'it-length-prefixed'
import map from 'it-map'
import { pipe } from 'it-pipe'
import { sha256 } from 'multiformats/hashes/sha2'
import { toString } from 'uint8arrays/to-string'

export const FILES = 'universal-connectivity-file'
const PROTOCOL = '/universal-connectivity-file/1'

const encode = text => new TextEncoder().encode(text)
const decode = bytes => new TextDecoder().decode(bytes)

export class Files {
  #node
  #tell
  #shared = new Map()

  constructor (node, tell) {
    this.#node = node
    this.#tell = tell
    node.services.pubsub.addEventListener('message', ({ detail: { type, topic, from, data } }) => {
      if (topic === FILES && type === 'signed') this.get(from, decode(data))
    })
  }

  async start () {
    await this.#node.handle(PROTOCOL, ({ stream }) => {
      pipe(
        stream.source,
        source => lp.decode(source),
        source => map(source, async id => this.#shared.get(decode(id.subarray())).body),
        source => lp.encode(source),
        stream.sink
      ).catch(error => this.#tell('serving_failed', { reason: `${error}` }))
    })
    this.#node.services.pubsub.subscribe(FILES)
  }

  async share (body) {
    const id = crypto.randomUUID()
    this.#shared.set(id, { body })
    this.#tell('file_shared', { file_id: id })
    await this.offer(id)
  }

  async offer (id) {
    await this.#node.services.pubsub.publish(FILES, encode(id))
  }

  async get (peer, id) {
    const told = { peer_id: `${peer}`, file_id: id }
    try {
      const stream = await this.#node.dialProtocol(peer, PROTOCOL)
      const parts = await pipe(
        [encode(id)],
        source => lp.encode(source),
        stream,
        source => lp.decode(source),
        source => all(source)
      )
      if (parts.length === 0) throw new Error('the stream ended, and nothing had come')
      for (const part of parts) {
        const body = part.subarray()
        const hash = toString(await sha256.encode(body), 'hex')
        this.#tell('file_received', { ...told, size: body.length, sha256: hash })
      }
    } catch (error) {
      this.#tell('transfer_failed', { ...told, reason: `${error}` })
    }
  }
}
