import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runTypeScript } from '../helpers/child.ts'

const KILL_ROUNDS = fileURLToPath(new URL('kill-rounds.ts', import.meta.url))

// `npm run soak -- --rounds 300` is for more.
test(
  'a command that is killed loses nothing that was acknowledged',
  { timeout: 600_000 },
  async () => {
    const soak = runTypeScript(KILL_ROUNDS, '--rounds', '7')
    const code = await soak.ended()
    expect({ code, stderr: soak.stderr() }).toEqual({ code: 0, stderr: '' })
    const kinds = 'import 1, publish 1, sync 1, amend 1, retract 1, keep 1, bundle 1 rounds'
    expect(soak.stdout()).toContain(kinds)
    expect(soak.stdout()).toMatch(/killed: \w+ \d/)
  },
)
