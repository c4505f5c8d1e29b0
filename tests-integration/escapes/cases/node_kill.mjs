// A process outside is killed.
import { escaped, held, tries, world } from './attack.mjs'

await tries(() => {
  if (world.bystander === process.pid) return held('no such process here')
  process.kill(world.bystander, 'SIGTERM')
  escaped('sent')
})
