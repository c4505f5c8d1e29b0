// A file outside is read by a worker.
import { Worker } from 'node:worker_threads'
import { leaked, tries, world } from './attack.mjs'

await tries(async () => {
  const code = `const { parentPort, workerData } = require('node:worker_threads')
    parentPort.postMessage(String(require('node:fs').readFileSync(workerData)))`
  const worker = new Worker(code, { eval: true, workerData: world.secret, env: {} })
  leaked(await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)))
})
