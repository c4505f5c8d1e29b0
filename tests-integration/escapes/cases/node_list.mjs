// The names in a folder outside are listed.
import fs from 'node:fs'
import { escaped, tries, world } from './attack.mjs'

await tries(() => fs.readdirSync(world.outside).includes('id_secret') && escaped('listed'))
