// A datagram is sent.
import dgram from 'node:dgram'
import { leaked, received, tries, world } from './attack.mjs'

await tries(async () => {
  const socket = dgram.createSocket('udp4')
  socket.send('x', world.udp4, '127.0.0.1')
  leaked(await received(socket))
})
process.exit()
