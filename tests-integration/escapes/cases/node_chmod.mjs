// The mode and the times of a file outside are changed.
import fs from 'node:fs'
import { escaped, tries, world } from './attack.mjs'

await tries(() => {
  fs.chmodSync(world.victim, 0o777)
  fs.utimesSync(world.victim, 1, 1)
  escaped('changed')
})
