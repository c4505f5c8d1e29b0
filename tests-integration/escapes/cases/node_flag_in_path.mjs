// A declared path carries a flag for the interpreter.
import fs from 'node:fs'
import { leaked, tries, world } from './attack.mjs'

await tries(() => leaked(fs.readFileSync(world.secret)))
