// How many HL7 messages a second of CPU time node-hl7-client's parser reads, five fields of each. Prints `node-hl7-client messages/s MB/s`.
//
// node hl7_speed.mjs MESSAGES PACKAGES, where MESSAGES holds one message a line, its segments parted by `\r` as two characters.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [file, packages] = process.argv.slice(2)
const { Message } = createRequire(join(packages, 'package.json'))('node-hl7-client')
const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
const messages = lines.map((line) => line.replaceAll('\\r', '\r'))

// It reads a segment only when it is asked for, so it is asked for what `speed` reads as "five-fields".
const FIELDS = ['PID.3.1', 'PID.5.1', 'PID.7', 'PV1.3', 'PV1.44']

function round() {
  let bytes = 0
  for (const text of messages) {
    const message = new Message({ text })
    for (const place of FIELDS) message.get(place).toString()
    bytes += Buffer.byteLength(text)
  }
  return bytes
}

round() // compiled before it is measured
const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const begun = cpu()
let [count, size] = [0, 0]
while (cpu() - begun < 2) {
  size += round()
  count += messages.length
}
const spent = cpu() - begun
console.log(`node-hl7-client ${(count / spent).toFixed(0)} ${(size / spent / 1e6).toFixed(2)}`)
