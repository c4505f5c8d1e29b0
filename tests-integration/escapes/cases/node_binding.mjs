// A program is started by the internal binding, past the module.
import { escaped, held, tries } from './attack.mjs'

process.noDeprecation = true
await tries(() => {
  const { spawn } = process.binding('spawn_sync')
  const { output, error } = spawn({
    file: '/usr/bin/id',
    args: ['id'],
    envPairs: [],
    stdio: [{ type: 'pipe', readable: true }, { type: 'pipe', writable: true }],
  })
  output && String(output[1]).includes('uid=') ? escaped('it ran') : held(error)
})
