// A connection is made.
import net from 'node:net'
import { leaked, received, tries, world } from './attack.mjs'

await tries(async () => leaked(await received(net.connect(world.tcp4, '127.0.0.1'))))
process.exit()
