// Native code that lies outside is loaded.
import { escaped, held, tries, world } from './attack.mjs'

await tries(() => {
  try {
    process.dlopen({ exports: {} }, `${world.outside}/addon.node`)
    escaped('loaded')
  } catch (error) {
    // a file that was read turns out to be no library; one that was not read cannot be opened
    error.message.includes('ELF header') ? escaped('read') : held(error.message.slice(0, 120))
  }
})
