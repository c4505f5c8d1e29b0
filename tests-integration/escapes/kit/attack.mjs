// What the cases in Node share: the world around the skill, and the words that they say.
import fs from 'node:fs'

export const world = JSON.parse(fs.readFileSync(new URL('./world.json', import.meta.url), 'utf8'))

let said = false

export const escaped = what => {
  said = true
  console.log('ESCAPED', what)
}

export const held = why => {
  said = true
  console.log('HELD', why)
}

export const leaked = data => {
  const found = String(data).match(/SECRET-\S*/)
  if (found) escaped(found[0])
}

export const tries = async attempt => {
  console.log('TRYING')
  try {
    await attempt()
  } catch (error) {
    held(error.code ?? error.message)
  }
  if (!said) held('nothing came of it')
}

export const received = (socket, milliseconds = 700) =>
  new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', data => resolve(data))
    socket.once('message', data => resolve(data))
    setTimeout(() => resolve(''), milliseconds).unref()
  })
