// The command: a js-libp2p peer of the chat (node.mjs says with which options), or with the one argument "bench" a bare
// node (bench.mjs). Neither is loaded for the other.

import './promises.mjs'

await import(process.argv[2] === 'bench' ? './bench.mjs' : './node.mjs')
