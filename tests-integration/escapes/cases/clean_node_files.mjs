// It writes where it may, with promises, and computes in a worker.
import fs from 'node:fs/promises'
import { Worker } from 'node:worker_threads'

await fs.mkdir('out/a/b', { recursive: true })
await fs.writeFile('out/a/b/c', 'x')
await fs.rm('out/a', { recursive: true })
const worker = new Worker("require('node:worker_threads').parentPort.postMessage(7)", { eval: true })
console.log(await new Promise(resolve => worker.once('message', resolve)), 'DONE')
