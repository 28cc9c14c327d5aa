// A peer of the chat that is a page of a browser, configured as the browser peer of Universal Connectivity is, but with
// WebSockets alone. A person uses its forms; a test calls take() and is told through tell(), if it has made one.
// page.html?ADDRESS connects at once, and with more than one, with spaces between them, to all.

import { webSockets } from '@libp2p/websockets'
import { createLibp2p } from 'libp2p'

import { enter, services, settings } from '../chat.mjs'
import { obey } from '../commands.mjs'

const SHOWN = 100
const shown = document.querySelector('output')

function tell (event, more = {}) {
  const line = JSON.stringify({ event, ...more })
  const row = document.createElement('div')
  row.textContent = line
  shown.prepend(row)
  if (shown.children.length > SHOWN) shown.lastChild.remove()
  globalThis.tell?.(line)
}

async function run () {
  const node = await createLibp2p({ ...settings, transports: [webSockets()], services: services() })
  const commands = await enter(node, tell)
  globalThis.take = line => obey(line, commands, tell)

  for (const form of document.querySelectorAll('form')) {
    form.addEventListener('submit', event => {
      event.preventDefault()
      obey(JSON.stringify({ command: form.id, ...Object.fromEntries(new FormData(form)) }), commands, tell)
      if (form.elements.text) form.elements.text.value = ''
    })
  }
  document.querySelector('[type=file]').addEventListener('change', async ({ target }) => {
    for (const file of target.files) await commands.share(new Uint8Array(await file.arrayBuffer()))
  })
  const addresses = decodeURIComponent(location.search.slice(1)).split(' ').filter(Boolean)
  for (const address of addresses) commands.connect({ address })
}

run()
