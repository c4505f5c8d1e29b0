// A file outside is read.
import fs from 'node:fs'
import { leaked, tries, world } from './attack.mjs'

await tries(() => leaked(fs.readFileSync(world.secret)))
