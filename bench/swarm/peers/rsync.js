// rsync and its daemon. Given: `dir`, and `address` to serve on with `files` of `sizeBytes`; or the address of the
// server as `from`.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { given } from './given.js'
import { finished, onCommand, progress, ready } from './line.js'

const PORT = 8730
const { dir, address, from, files, sizeBytes } = given
await mkdir(dir, { recursive: true })

if (address !== undefined) {
  const served = join(dir, 'issues')
  await mkdir(served)
  for (let i = 0; i < files; i++) {
    await writeFile(join(served, String(i).padStart(5, '0')), randomBytes(sizeBytes))
  }
  const settings = join(dir, 'rsyncd.conf')
  const lines = ['use chroot = no', 'uid = 0', 'gid = 0', `address = ${address}`, `port = ${PORT}`]
  await writeFile(settings, [...lines, '[issues]', `path = ${served}`, ''].join('\n'))
  const daemon = spawn('rsync', ['--daemon', '--no-detach', '--config', settings], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  process.on('SIGTERM', () => {
    daemon.kill()
    process.stdin.destroy()
  })
  while (!(await isListening())) await new Promise((resolve) => setTimeout(resolve, 20))
} else {
  onCommand('begin', () => {
    const told = progress()
    const argv = ['-aW', `rsync://${from}:${PORT}/issues/`, `${join(dir, 'copy')}/`]
    spawn('rsync', argv, { stdio: ['ignore', 'ignore', 'inherit'] }).on('exit', (code) => {
      if (code === 0) finished(told)
      else process.stdin.destroy()
    })
  })
}
ready({})

function isListening() {
  return new Promise((resolve) => {
    const socket = connect(PORT, address, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
