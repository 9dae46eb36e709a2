// A receiver of HL7 over MLLP as one would write it with node and node-hl7-client's parser: parsed, looked up, written, synced, answered.
//
// Everything that waits shares one fdatasync, as in ours, which is the best node can do; the sync runs beside the loop. It does not
// encrypt and forgets nothing. Started by `cargo xtask bench`: says `listening ADDRESS`, ends with its standard input.
import { open } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [folder, packages] = process.argv.slice(2)
const { Message } = createRequire(join(packages, 'package.json'))('node-hl7-client')
const log = await open(join(folder, 'log'), 'a')
const known = new Set()
let waiting = []
let keeping = false

async function keep() {
  keeping = true
  while (waiting.length > 0) {
    const batch = waiting
    waiting = []
    await log.write(Buffer.concat(batch.map(({ bytes }) => bytes)))
    await log.datasync()
    for (const { then } of batch) then()
  }
  keeping = false
}

// node cannot write ISO-2022-JP, so the bytes are kept as they came, and read as text only for the parser.
const decoder = new TextDecoder('iso-2022-jp')

function take(bytes, socket) {
  const message = new Message({ text: decoder.decode(bytes) })
  const [application, facility, control] = [3, 4, 10].map((field) => message.get(`MSH.${field}`).toString())
  const answer = () =>
    socket.write(`\x0bMSH|^~\\&|PEER||${application}|${facility}|20261120093016||ACK|${control}|P|2.5\rMSA|AA|${control}\r\x1c\r`)
  const number = `${application}|${facility}|${control}`
  if (known.has(number)) {
    answer()
    return
  }
  known.add(number)
  waiting.push({ bytes, then: answer })
  if (!keeping) keep()
}

const server = createServer({ noDelay: true }, (socket) => {
  let held = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece) => {
    held = held.length > 0 ? Buffer.concat([held, piece]) : piece
    for (let end = held.indexOf('\x1c\r'); end >= 0; end = held.indexOf('\x1c\r')) {
      take(held.subarray(1, end), socket)
      held = held.subarray(end + 2)
    }
  })
})
server.listen(0, '127.0.0.1', () => console.log(`listening 127.0.0.1:${server.address().port}`))
process.stdin.resume().on('end', () => process.exit(0))
