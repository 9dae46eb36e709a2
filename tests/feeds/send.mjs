// Sends messages to a port with a client that others wrote, each after the answer to the one before; prints what was answered.
import { Client, Message } from 'node-hl7-client'

const [port, count] = process.argv.slice(2).map(Number)
const client = new Client({ host: '127.0.0.1' })
let answered
const outbound = client.createConnection({ port, waitAck: true }, (response) => {
  answered(response.getMessage().get('MSA.1').toString())
})

for (let number = 1; number <= count; number++) {
  const answer = new Promise((resolve) => {
    answered = resolve
  })
  const text = [
    `MSH|^~\\&|NODE|KAKU|||20261120093015||ADT^A08^ADT_A01|N${number}|P|2.5||||||UNICODE UTF-8`,
    'EVN||20261120093015',
    'PID|1||0001234567^^^^PI||模擬^日出男^^^^^L^I||19580302|M'
  ].join('\r')
  await outbound.sendMessage(new Message({ text }))
  console.log(await answer)
}
await outbound.close()
process.exit(0)
