import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

const SCRIPT = `
  const Corestore = require('corestore')
  new Corestore(process.argv[1]).ready().then(() => { console.log('open'); setInterval(() => {}, 1000) })
`

/** Another process that has opened the store of a directory, until it is killed or the running test ends. */
export async function holdLock(storeDir: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', SCRIPT, storeDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  await once(child.stdout, 'data')
  return child
}
