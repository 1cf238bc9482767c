import { describe, expect, it } from 'vitest'
import { loadOwn } from '../../src/api/operations.ts'
import { packageVersion } from '../../src/version.ts'
import { expectCode } from '../helpers/errors.ts'

describe('code that is loaded late', () => {
  it('comes from the version that runs', async () => {
    expect(await loadOwn(async () => 'code')).toBe('code')
    expect(await loadOwn(async () => 'code', packageVersion)).toBe('code')
  })

  it('is refused from another version, with how to go on', async () => {
    let loaded = 0
    const load = async () => ++loaded
    const { hint } = await expectCode(
      loadOwn(load, () => '999.0.0'),
      'PROTOCOL_MISMATCH',
    )
    expect(hint).toContain('daemon stop')
    expect(loaded).toBe(0)
  })

  it('is refused where another build of the same version has it no more', async () => {
    const gone = Object.assign(new Error('gone'), { code: 'ERR_MODULE_NOT_FOUND' })
    await expectCode(
      loadOwn(() => Promise.reject(gone)),
      'PROTOCOL_MISMATCH',
    )
  })

  it('is refused while the program is being replaced', async () => {
    const gone = () => {
      throw new Error('ENOENT')
    }
    await expectCode(
      loadOwn(async () => 'code', gone),
      'PROTOCOL_MISMATCH',
    )
  })
})
