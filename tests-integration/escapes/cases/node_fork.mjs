// Another Node is started.
import { spawnSync } from 'node:child_process'
import { escaped, held, tries } from './attack.mjs'

await tries(() => {
  const { stdout, error } = spawnSync(process.execPath, ['-p', '"again"'], { env: {} })
  String(stdout).includes('again') ? escaped('it ran') : held(error?.code)
})
