import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { HyperletterError } from '../../src/errors.ts'
import { answer, jsonOf, runCli, someConfig } from '../helpers/cli.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const added = {
  id: '0123abcd',
  name: 'phone',
  addedAt: '2026-11-29T13:00:00.000Z',
  token: 'A'.repeat(43),
}
const url = `http://192.168.1.5:4938/enter?device=${added.token}`

async function runDevices(argv: readonly string[], options: Parameters<typeof runCli>[1] = {}) {
  const dataDir = await temporaryDirectory()
  const state = { port: 4_999, secret: 'a'.repeat(64) }
  await writeFile(join(dataDir, 'reader.json'), JSON.stringify(state))
  return runCli(['devices', ...argv], {
    openReader: () => Promise.resolve(url),
    services: { loadConfig: () => Promise.resolve({ ...someConfig, dataDir }) },
    ...options,
  })
}

describe('devices', () => {
  it('add shows a code to scan, what apps need, and that others can read along', async () => {
    const operations = { addDevice: answer(added) }
    const { code, stdout, stderr } = await runDevices(['add'], { operations, via: 'daemon' })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^(?:[█▀▄ ]{30,}\n)+/)
    expect(stdout).toContain(url)
    expect(stdout).toContain('http://192.168.1.5:4938/api/greader.php')
    expect(stdout).toMatch(/4938\/feeds\/newsletters\.opml\?key=0123abcd\.[0-9a-f]{32}\n/)
    expect(stderr).toContain('not encrypted')
    expect(stderr).not.toMatch(/daemon start|this machine alone/)
    const alone = {
      operations,
      openReader: () => Promise.resolve(url.replace('192.168.1.5', '127.0.0.1')),
    }
    expect((await runDevices(['add'], alone)).stderr).toContain('this machine alone')
  })

  it('add leaves no device behind that has no address to go to', async () => {
    const removed: unknown[] = []
    const operations = {
      addDevice: answer(added),
      removeDevice: (input: unknown) => {
        removed.push(input)
        return Promise.resolve(added)
      },
    }
    const openReader = () =>
      Promise.reject(new HyperletterError('INVALID_INPUT', 'Devices cannot be let in at 1.2.3.4.'))
    const { code, stderr } = await runDevices(['add'], { operations, openReader })
    expect(code).toBe(2)
    expect(stderr).toContain('1.2.3.4')
    expect(removed).toEqual([{ device: added.id }])
  })

  it('list and remove know them by name', async () => {
    const { token: _, ...device } = added
    const operations = {
      listDevices: answer([device, { ...device, name: 'tab\u001b[31mlet', usedAt: added.addedAt }]),
      removeDevice: answer(device),
    }
    const listed = await runDevices(['list'], { operations })
    expect(listed.stdout).toMatch(/^phone +0123abcd +Nov 29, 2026 +never$/m)
    expect(listed.stdout).not.toContain('\u001b')
    const json = await runDevices(['list', '--json'], { operations })
    expect(jsonOf(json.stdout)).toMatchObject([{ id: '0123abcd' }, {}])
    const removed = await runDevices(['remove', 'phone'], { operations })
    expect(removed.stdout).toBe('“phone” is let in no longer.\n')
  })
})
