// How a peer is told what to do, in Node and in a browser: options, and commands, an object a line.

// What each command has to be given, all of it text.
export const ARGUMENTS = {
  connect: ['address'],
  disconnect: ['peer'],
  say: ['text'],
  topic: ['name'],
  say_on: ['topic', 'text'],
  share: ['path'],
  offer: ['file'],
  get: ['peer', 'file'],
  msg: ['peer', 'text'],
  ping: ['peer'],
  provide: ['key'],
  find: ['key'],
  put_value: ['key', 'value'],
  get_value: ['key'],
  stats: [],
  scores: []
}

// Does what a line asks for. What cannot be done is told, and ends nothing.
export async function obey (line, commands, tell) {
  let command = ''
  try {
    const asked = JSON.parse(line)
    command = String(asked.command ?? '')
    if (!Object.hasOwn(commands, command)) {
      throw new Error(Object.hasOwn(ARGUMENTS, command) ? 'there is no such thing here' : 'unknown command')
    }
    const lacking = (ARGUMENTS[command] ?? []).filter(name => typeof asked[name] !== 'string')
    if (lacking.length > 0) throw new Error(`it needs ${lacking.join(' and ')}, as text`)
    await commands[command](asked)
  } catch (error) {
    tell('error', { command, reason: `${error}` })
  }
}
