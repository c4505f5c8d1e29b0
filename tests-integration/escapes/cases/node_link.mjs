// A link in a writable folder leads out.
import fs from 'node:fs'
import { leaked, tries, world } from './attack.mjs'

await tries(() => {
  fs.symlinkSync(world.secret, 'out/link')
  leaked(fs.readFileSync('out/link'))
})
