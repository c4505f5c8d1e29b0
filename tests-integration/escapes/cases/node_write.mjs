// A file is made outside.
import fs from 'node:fs'
import { escaped, tries, world } from './attack.mjs'

await tries(() => {
  fs.writeFileSync(`${world.outside}/made`, 'x')
  escaped('written')
})
