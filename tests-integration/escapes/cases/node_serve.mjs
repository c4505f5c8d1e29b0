// A port is offered to processes outside.
import net from 'node:net'
import { held, tries, world } from './attack.mjs'

await tries(async () => {
  await new Promise((resolve, reject) => {
    net.createServer(resolve).listen(world.free, '127.0.0.1').once('error', reject)
    setTimeout(resolve, 700)
  })
  held('unless the visitor came from outside')
})
process.exit()
