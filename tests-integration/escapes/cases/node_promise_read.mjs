// A file outside is read by a promise, in a thread of the pool.
import fs from 'node:fs/promises'
import { leaked, tries, world } from './attack.mjs'

await tries(async () => leaked(await fs.readFile(world.secret)))
