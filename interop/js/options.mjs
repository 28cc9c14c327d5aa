// The options of the command line.

import { parseArgs } from 'node:util'

// Ends the program with a sentence, as one does that does not know an option, or with 1 where it is no option's fault.
export function refuse (reason, code = 2) {
  console.error(reason)
  process.exit(code)
}

// What an error says, without the lines of the library that js-libp2p has in it.
export const sentence = ({ message }) => message.split('\n').filter(line => !/^\s*(at .*)?$/.test(line)).join('\n')

// Returns them by their names; `known` is as parseArgs has it.
export function parse (known) {
  try {
    return parseArgs({ options: known }).values
  } catch (error) {
    return refuse(error.message)
  }
}
