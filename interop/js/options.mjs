// The options of the command line.

import { parseArgs } from 'node:util'

// Ends the program with a sentence, as one does that does not know an option.
export function refuse (sentence) {
  console.error(sentence)
  process.exit(2)
}

// Returns them by their names; `known` is as parseArgs has it.
export function parse (known) {
  try {
    return parseArgs({ options: known }).values
  } catch (error) {
    return refuse(error.message)
  }
}
