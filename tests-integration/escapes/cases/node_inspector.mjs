// The inspector is opened, and with it the whole process.
import inspector from 'node:inspector'
import { held, tries, world } from './attack.mjs'

await tries(async () => {
  inspector.open(world.free, '127.0.0.1')
  await new Promise(resolve => setTimeout(resolve, 700))
  held('unless the visitor came from outside')
})
process.exit()
