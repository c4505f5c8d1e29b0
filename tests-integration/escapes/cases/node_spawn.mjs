// A program is started.
import { spawnSync } from 'node:child_process'
import { escaped, held, tries } from './attack.mjs'

await tries(() => {
  const { stdout, error } = spawnSync('/usr/bin/id')
  String(stdout).includes('uid=') ? escaped('it ran') : held(error?.code)
})
