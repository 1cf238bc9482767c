import { chmod, readFile, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  installService,
  uninstallService,
  type Service,
} from '../../../src/daemon/service/service.ts'
import { expectCode } from '../../helpers/errors.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

let folder: string

beforeEach(async () => {
  folder = await temporaryDirectory()
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`)
})
afterEach(() => vi.unstubAllEnvs())

/** A service whose manager notes what it is told; it refuses what has `word` in it. */
async function serviceRefusing(word: string): Promise<Service> {
  const told = join(folder, 'told')
  const refuse = `case "$*" in *${word}*) echo 'Failed to connect to bus' >&2; exit 1;; esac`
  await writeFile(join(folder, 'manager'), `#!/bin/sh\n${refuse}\necho "$*" >> '${told}'\n`)
  await chmod(join(folder, 'manager'), 0o755)
  return {
    manager: 'systemd',
    file: join(folder, 'deep', 'hyperletter.service'),
    text: 'the unit',
    leftOut: [],
    install: [
      ['manager', 'look'],
      ['manager', 'start'],
    ],
    uninstall: [
      ['manager', 'end'],
      ['manager', 'look'],
    ],
  }
}

const told = () => readFile(join(folder, 'told'), 'utf8').catch(() => '')

describe('installing a service', () => {
  it('writes the file, tells the manager, and makes room just before the start', async () => {
    const service = await serviceRefusing('nothing')
    const done = await installService(service, async () => {
      expect(await told()).toBe('look\n')
      return 'made room'
    })
    expect(await readFile(String(service.file), 'utf8')).toBe('the unit')
    expect(await told()).toBe('look\nstart\n')
    expect(done).toEqual([`wrote ${service.file}`, 'manager look', 'made room', 'manager start'])
  })

  it('leaves a daemon alone that runs, when the manager cannot be reached', async () => {
    const service = await serviceRefusing('look')
    const installing = installService(service, () => Promise.reject(new Error('It was ended.')))
    const { hint } = await expectCode(installing, 'NOT_AVAILABLE')
    expect(hint).toContain('Log in as this user')
  })
})

describe('uninstalling a service', () => {
  it('removes the file although the manager knows nothing of it', async () => {
    const service = await serviceRefusing('end')
    await installService(service)
    const done = await uninstallService(service)
    expect(done.slice(1)).toEqual([`removed ${service.file}`, 'manager look'])
    expect(existsSync(String(service.file))).toBe(false)
  })

  it('does nothing where there is none', async () => {
    expect(await uninstallService(await serviceRefusing('nothing'))).toEqual([])
    expect(await told()).toBe('')
  })
})
