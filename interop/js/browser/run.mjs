// Runs the page in a Chromium without a window, and is to the tests what peer.mjs is: it tells what the page tells and
// hands on what it reads. A file is chosen as a person does it. The command "close" closes the tab.
//
//   node run.mjs [--connect MULTIADDR ...] [--trust FILE] [--chromium COMMAND] [--page]
//
// --page: makes the page, for a browser of your own, and nothing else.
// --trust: a certificate in PEM that signs itself, which a person would have to tell the browser to trust.
// The page and Chromium's profile are left in the working directory. Chromium ends with us, however we end, as it has
// its orders (the DevTools protocol, each message ended by a zero) through a pipe.

import { spawn } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { access, constants, copyFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { build } from 'esbuild'

import { ARGUMENTS, obey } from '../commands.mjs'
import { parse, refuse } from '../options.mjs'

const options = parse({
  connect: { type: 'string', multiple: true, default: [] },
  trust: { type: 'string' },
  chromium: { type: 'string', default: 'chromium' },
  page: { type: 'boolean', default: false }
})
// The SHA-256 of its public key, as Chromium wants it.
function trusted (path) {
  try {
    const { publicKey } = new X509Certificate(readFileSync(path))
    return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
  } catch (error) {
    return refuse(`--trust ${path}: ${error.message}`)
  }
}
const here = name => fileURLToPath(new URL(name, import.meta.url))

await build({ entryPoints: [here('page.mjs')], bundle: true, outfile: 'page.js', logLevel: 'error' })
await copyFile(here('page.html'), 'page.html')
const page = pathToFileURL(resolve('page.html'))
page.search = options.connect.join(' ')
if (options.page) {
  console.log(page.href)
  process.exit(0)
}

const browser = spawn(options.chromium, [
  '--headless',
  '--remote-debugging-pipe',
  `--user-data-dir=${resolve('profile')}`,
  '--no-first-run',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  ...(options.trust ? [`--ignore-certificate-errors-spki-list=${trusted(options.trust)}`] : []),
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])
], { stdio: ['ignore', 'ignore', 'inherit', 'pipe', 'pipe'] })
browser.on('error', error => refuse(`--chromium ${options.chromium}: ${error.message}`, 1))
browser.on('exit', code => process.exit(code ?? 1))
const [, , , orders, answers] = browser.stdio
for (const pipe of [orders, answers]) pipe.on('error', () => {}) // its end is told by "exit"

const waiting = new Map()
let asked = 0
let isReady
const ready = new Promise(resolve => { isReady = resolve })

// Returns what a command of the protocol answers; without a session it is one to the browser.
function ask (method, params = {}, sessionId = undefined) {
  const id = ++asked
  orders.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
}

function heard ({ id, result, error, method, params }) {
  if (method === 'Runtime.bindingCalled') told(params.payload)
  if (method === 'Runtime.exceptionThrown') console.error(JSON.stringify(params.exceptionDetails))
  const { resolve, reject } = waiting.get(id) ?? {}
  waiting.delete(id)
  if (error) reject(new Error(error.message))
  else resolve?.(result)
}

function told (line) {
  process.stdout.write(`${line}\n`)
  if (JSON.parse(line).event === 'ready') isReady()
}

const leave = () => ask('Browser.close')
process.on('SIGTERM', leave)

let rest = ''
answers.setEncoding('utf8').on('data', data => {
  const messages = (rest + data).split('\0')
  rest = messages.pop()
  for (const message of messages) heard(JSON.parse(message))
})

const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true })
await ask('Runtime.enable', {}, sessionId)
await ask('Runtime.addBinding', { name: 'tell' }, sessionId)
await ask('Page.navigate', { url: page.href }, sessionId)

const evaluate = expression => ask('Runtime.evaluate', { expression }, sessionId)
const take = asked => evaluate(`take(${JSON.stringify(JSON.stringify(asked))})`)
const commands = {
  ...Object.fromEntries(Object.keys(ARGUMENTS).map(command => [command, take])),
  close: () => ask('Target.closeTarget', { targetId }),
  async share ({ path }) {
    if (!(await stat(path)).isFile()) throw new Error('no file')
    await access(path, constants.R_OK)
    const { result: { objectId } } = await evaluate('document.querySelector("[type=file]")')
    await ask('DOM.setFileInputFiles', { files: [path], objectId }, sessionId)
  }
}

// The page takes nothing before it is ready.
await ready
createInterface({ input: process.stdin })
  .on('line', line => obey(line, commands, (event, more) => console.log(JSON.stringify({ event, ...more }))))
  .on('close', leave)
