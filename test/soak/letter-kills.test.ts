import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runTypeScript } from '../helpers/child.ts'

const LETTER_KILLS = fileURLToPath(new URL('letter-kills.ts', import.meta.url))

// `npm run soak:letters -- --rounds 100` is for more.
test(
  'a letter arrives once, whoever is killed on its way, or its writer is told',
  { timeout: 300_000 },
  async () => {
    const soak = runTypeScript(LETTER_KILLS, '--rounds', '3')
    const code = await soak.ended()
    expect([code, soak.stderr()]).toEqual([0, expect.stringContaining('round 3: author killed')])
    expect(soak.stdout()).toContain('3 rounds, killed: writer 1, carrier 1, author 1; ')
  },
)
