import { describe, expect, it } from 'vitest'
import { LiveConfig } from '../../src/config/live.ts'
import { HyperletterError } from '../../src/errors.ts'
import { someConfig } from '../helpers/cli.ts'
import { expectCode } from '../helpers/errors.ts'

describe('a configuration that is read again', () => {
  it('is in force for what somebody follows, and unchanged for the rest until the next start', async () => {
    const live = new LiveConfig(someConfig)
    const seen: unknown[] = []
    live.follow(['uploadLimit', 'downloadLimit'], ({ uploadLimit }) => void seen.push(uploadLimit))
    const next = {
      ...someConfig,
      uploadLimit: 5_000,
      udpPort: 4_000,
      dataDir: '/x',
      storeDir: '/x/s',
    }
    expect(await live.replace(next)).toStrictEqual({
      applied: ['uploadLimit'],
      restart: ['dataDir', 'udpPort'],
    })
    expect(seen).toEqual([5_000])
    expect(live.value).toStrictEqual({ ...someConfig, uploadLimit: 5_000 })
  })

  it('bothers nobody when nothing changed, and nobody whose settings did not', async () => {
    const live = new LiveConfig({ ...someConfig, allowPeers: ['aa'] })
    const seen: string[] = []
    live.follow(['allowPeers'], () => void seen.push('peers'))
    live.follow(['notify'], () => void seen.push('notify'))
    const same = { ...someConfig, allowPeers: ['aa'] }
    expect(await live.replace(same)).toStrictEqual({ applied: [], restart: [] })
    await live.replace({ ...same, notify: true })
    expect(seen).toEqual(['notify'])
  })

  it('can be told from no limit: none is not the same as not set', async () => {
    const live = new LiveConfig({ ...someConfig, diskCap: undefined })
    live.follow(['diskCap'], () => undefined)
    expect((await live.replace({ ...someConfig, diskCap: Infinity })).applied).toEqual(['diskCap'])
    expect(live.value.diskCap).toBe(Infinity)
  })

  it('is no longer followed by who ended that', async () => {
    const live = new LiveConfig(someConfig)
    const end = live.follow(['notify'], () => Promise.reject(new Error('Called all the same.')))
    end()
    expect((await live.replace({ ...someConfig, notify: true })).restart).toEqual(['notify'])
  })

  it('reaches everybody although one of them fails, and tells of the failure', async () => {
    const live = new LiveConfig(someConfig)
    const seen: number[] = []
    live.follow(['metricsPort'], () => {
      throw new HyperletterError('INVALID_INPUT', 'The port is taken.')
    })
    live.follow(['metricsPort'], ({ metricsPort = 0 }) => void seen.push(metricsPort))
    await expectCode(live.replace({ ...someConfig, metricsPort: 80 }), 'INVALID_INPUT')
    expect(seen).toEqual([80])
  })
})
