// It says hello, reads its own file and uses timers and buffers.
import fs from 'node:fs'
import crypto from 'node:crypto'
import os from 'node:os'
import { world } from './attack.mjs'

console.log('EACCES', fs.readFileSync('data/good.txt', 'utf8'), crypto.randomUUID(), os.cpus().length, world.mark)
await new Promise(resolve => setTimeout(resolve, 10))
console.log('DONE')
