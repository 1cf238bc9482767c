import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { LiveConfig } from '../../src/config/live.ts'
import { Reloading } from '../../src/daemon/daemon.ts'
import { HyperletterError } from '../../src/errors.ts'
import { someConfig } from '../helpers/cli.ts'
import { expectCode } from '../helpers/errors.ts'

interface Line {
  readonly level: number
  readonly code?: string
  readonly settings?: readonly string[]
  readonly msg: string
}

/** A reload whose configurations are given one after the other; an error stands for a wrong file. */
function reloadingOf(...found: readonly (Config | Error)[]) {
  const lines: Line[] = []
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Line) })
  const live = new LiveConfig(someConfig)
  live.follow(['notify'], () => undefined)
  let reads = 0
  const load = () => {
    const next = found[reads++] ?? someConfig
    return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
  }
  return { reloading: new Reloading({ live, load, logger }), live, lines, reads: () => reads }
}

describe('reloading', () => {
  it('leaves the old configuration in force when the file is wrong, and logs where', async () => {
    const wrong = new HyperletterError('INVALID_INPUT', '/config.toml, line 3: no such setting.')
    const { reloading, live, lines } = reloadingOf(wrong, { ...someConfig, notify: true })
    await expectCode(reloading.reload(), 'INVALID_INPUT')
    expect(live.value).toBe(someConfig)
    expect(lines).toMatchObject([{ level: 50, code: 'INVALID_INPUT' }])
    expect(lines[0]?.msg).toContain('/config.toml, line 3')
    // And the next one, once it is right, counts.
    expect((await reloading.reload()).applied).toEqual(['notify'])
  })

  it('says once what waits for the next start', async () => {
    const next = { ...someConfig, udpPort: 4_000 }
    const { reloading, lines } = reloadingOf(next, next, { ...next, maxConnections: 5 })
    await reloading.reload()
    await reloading.reload()
    await reloading.reload()
    const told = lines.filter(({ level }) => level === 40).map(({ settings }) => settings)
    expect(told).toEqual([['udpPort'], ['udpPort', 'maxConnections']])
  })

  it('takes one after the other', async () => {
    const { reloading, live } = reloadingOf({ ...someConfig, notify: true }, someConfig)
    const [first, second] = await Promise.all([reloading.reload(), reloading.reload()])
    expect([first.applied, second.applied]).toEqual([['notify'], ['notify']])
    expect(live.value.notify).toBe(false)
  })
})
