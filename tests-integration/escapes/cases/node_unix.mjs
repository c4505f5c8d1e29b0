// A service outside is reached by the path of its socket.
import net from 'node:net'
import { leaked, received, tries, world } from './attack.mjs'

await tries(async () => leaked(await received(net.connect(world.stream))))
process.exit()
