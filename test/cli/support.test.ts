import { expect, it } from 'vitest'
import type { Output } from '../../src/api/contract/contract.ts'
import { answer, jsonOf, runCli } from '../helpers/cli.ts'

const feedKey = `ybndrfg8${'y'.repeat(44)}`

const newsletter: Output<'listNewsletters'>[number] = {
  feedKey,
  link: `hyperletter://${feedKey}`,
  title: 'Tide Tables',
  roles: ['subscriber'],
  private: false,
  issues: 1,
  unread: 0,
}

const run = (more: Partial<typeof newsletter>, ...argv: string[]) =>
  runCli(['support', 'tide', ...argv], {
    operations: { listNewsletters: answer([{ ...newsletter, ...more }]) },
  })

it('support shows each address with a QR code, and none that is wrong', async () => {
  const support = [
    { uri: 'payto://iban/GB82WEST12345698765432?receiver-name=Mara', label: 'Bank' },
    { uri: 'bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5' },
    { uri: 'javascript:alert(1)' },
  ]
  const { stdout, stderr } = await run({ support })
  expect(stdout).toContain('Bank  GB82 WEST 1234 5698 7654 32, Mara\n')
  expect(stdout).toMatch(/[▀▄█]{20}/)
  expect(stdout).toContain('Bitcoin  a character of the address is wrong: not shown\n')
  expect(stdout).toContain('javascript  of a kind that this version does not know\n')
  expect(stdout).not.toMatch(/bc1|alert/)
  expect(stderr).not.toContain('ask the author')
  expect(jsonOf((await run({ support }, '--json')).stdout)).toMatchObject({
    feedKey,
    support: [{ uri: support[0]?.uri, name: 'Bank' }, { problem: 'wrong' }, { problem: 'unknown' }],
  })
})

it('support warns of addresses that changed', async () => {
  const supportChanged = { at: '2026-03-01T00:00:00.000Z', before: ['bitcoin:a\u001b[31m'] }
  const { stdout, stderr } = await run({ supportChanged })
  expect(stdout).toContain('names no way to support it')
  expect(stderr).toMatch(
    /These addresses are others since [^\n]*2026\. Before you pay, ask the author/,
  )
  expect(stderr).toContain('before: bitcoin:a\n')
})
