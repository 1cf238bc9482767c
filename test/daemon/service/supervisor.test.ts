import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Supervisor } from '../../../src/daemon/service/supervisor.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** A program that stands in for `systemd-notify`, and what it was told. */
async function standIn(code = 0) {
  const bin = await temporaryDirectory()
  const heard = join(bin, 'heard')
  const program = join(bin, 'systemd-notify')
  await writeFile(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${heard}'\nexit ${code}\n`)
  await chmod(program, 0o755)
  const env: NodeJS.ProcessEnv = { PATH: `${bin}:/bin:/usr/bin`, NOTIFY_SOCKET: '/run/notify' }
  const lines = async () => {
    const text = await readFile(heard, 'utf8').catch(() => '')
    return text.split('\n').filter((it) => it !== '')
  }
  return { env, lines }
}

function supervisorOf(env: NodeJS.ProcessEnv) {
  const failures: Error[] = []
  const supervisor = new Supervisor({ env, pid: 42, onFailure: (it) => void failures.push(it) })
  onTestFinished(() => supervisor.close())
  return { supervisor, failures }
}

const well = () => Promise.resolve(true)

describe('a service manager that asks to be told', () => {
  it('hears when the service is ready', async () => {
    const { env, lines } = await standIn()
    await supervisorOf(env).supervisor.ready(well)
    expect(await lines()).toEqual(['/run/notify READY=1'])
  })

  it('hears again and again that it is well, and no longer once it is not', async () => {
    const { env, lines } = await standIn()
    let isWell = true
    const { supervisor } = supervisorOf({ ...env, WATCHDOG_USEC: '40000', WATCHDOG_PID: '42' })
    await supervisor.ready(() => Promise.resolve(isWell))
    await vi.waitFor(async () => expect((await lines()).length).toBeGreaterThan(3), 10_000)
    expect((await lines()).slice(1)).toContain('/run/notify WATCHDOG=1')
    isWell = false
    // Those on their way still arrive; then there are none for as long as any would take.
    let before = -1
    await vi.waitFor(
      async () => {
        const now = (await lines()).length
        const isQuiet = now === before
        before = now
        expect(isQuiet).toBe(true)
      },
      { timeout: 10_000, interval: 500 },
    )
  })

  it('is not told that it is well where it watches another process, or nonsense', async () => {
    const { env } = await standIn()
    for (const other of [{ WATCHDOG_PID: '7' }, { WATCHDOG_USEC: '0' }, { WATCHDOG_USEC: 'x' }]) {
      const { supervisor } = supervisorOf({ ...env, WATCHDOG_USEC: '40000', ...other })
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
      try {
        await supervisor.ready(well)
        expect(vi.getTimerCount()).toBe(0)
      } finally {
        vi.useRealTimers()
      }
    }
  })

  it('is not known to the programs that the daemon runs', async () => {
    const { env } = await standIn()
    const seen = { ...env, WATCHDOG_USEC: '40000', WATCHDOG_PID: '42' }
    supervisorOf(seen)
    expect(Object.keys(seen)).toEqual(['PATH'])
  })

  it('may be out of reach, which is told and no reason to stop', async () => {
    const { env } = await standIn(1)
    const { supervisor, failures } = supervisorOf(env)
    await supervisor.ready(well)
    expect(failures).toHaveLength(1)
    const none = supervisorOf({ PATH: '/nowhere', NOTIFY_SOCKET: '/run/notify' })
    await none.supervisor.ready(well)
    expect(none.failures).toHaveLength(1)
  })
})

it('without a service manager nobody is told anything', async () => {
  const { env, lines } = await standIn()
  delete env['NOTIFY_SOCKET']
  await supervisorOf(env).supervisor.ready(well)
  expect(await lines()).toEqual([])
})
