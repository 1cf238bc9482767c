import { describe, expect, it } from 'vitest'
import { handOn, SETTING_NAMES } from '../../src/config/settings.ts'

describe('settings that are handed on to another process', () => {
  it('are flags, each in one piece, and only what was given', () => {
    expect(handOn({ diskCap: '5 GB', onIssue: '-odd', host: undefined })).toEqual({
      flags: ['--disk-cap=5 GB', '--on-issue=-odd'],
      variables: {},
    })
  })

  it('are variables where everybody on the machine could read an argument', () => {
    const { flags, variables } = handOn({ webhookSecret: 'hush', webhook: 'https://a.example/t' })
    expect(flags).toEqual([])
    expect(variables).toEqual({
      HYPERLETTER_WEBHOOK_SECRET: 'hush',
      HYPERLETTER_WEBHOOK: 'https://a.example/t',
    })
  })

  it('lose none', () => {
    const names = SETTING_NAMES
    const { flags, variables } = handOn(Object.fromEntries(names.map((name) => [name, 'x'])))
    expect(flags.length + Object.keys(variables).length).toBe(names.length)
  })
})
