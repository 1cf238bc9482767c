import { describe, expect, it } from 'vitest'
import { lint } from './lint.ts'

/** Wrong code by the rule that has to catch it. */
const WRONG: Record<string, string> = {
  'typescript(no-floating-promises)': 'export function f() {\n  Promise.resolve(1)\n}\n',
  'typescript(no-misused-promises)':
    'export const f = (it: string[]) => {\n  it.forEach(async (x) => await Promise.resolve(x))\n}\n',
  'typescript(await-thenable)': 'export async function f() {\n  await 1\n}\n',
  'typescript(return-await)':
    'export async function f(it: Promise<number>) {\n  try {\n    return it\n  } catch {\n    return 0\n  }\n}\n',
  'typescript(only-throw-error)': "export function f() {\n  throw 'text'\n}\n",
  'typescript(no-explicit-any)': 'export type T = any\n',
  'typescript(no-unsafe-assignment)':
    "export const f = (): unknown => {\n  const x = JSON.parse('1')\n  return x\n}\n",
  'typescript(no-unsafe-member-access)': "export const f = (): unknown => JSON.parse('1').x\n",
  'typescript(no-unsafe-return)': "export const f = (): string => JSON.parse('1')\n",
  'typescript(no-non-null-assertion)': 'export const f = (x?: string) => x!.length\n',
  'typescript(switch-exhaustiveness-check)':
    "export function f(x: 'a' | 'b') {\n  switch (x) {\n    case 'a':\n      break\n  }\n}\n",
  'typescript(consistent-type-imports)': "import { z } from 'zod'\nexport type T = z.ZodType\n",
  'typescript(prefer-readonly)':
    'export class C {\n  #x = 1\n  x() {\n    return this.#x\n  }\n}\n',
  'eslint(no-console)': "console.log('hello')\n",
  'eslint(no-restricted-properties)': 'process.exit(1)\n',
  'eslint(no-warning-comments)': '// TODO: finish\nexport {}\n',
  'eslint(max-lines)': 'export {}\n'.repeat(301),
  'import(no-default-export)': 'export default 1\n',
  'unicorn(prefer-node-protocol)': "export { join } from 'path'\n",
}

const vitest = "import { expect, it } from 'vitest'\n\n"

/** Wrong tests by the rule that has to catch them. */
const WRONG_TESTS: Record<string, string> = {
  'vitest(no-focused-tests)': vitest + "it.only('is fine', () => {\n  expect(1).toBe(1)\n})\n",
  'vitest(no-disabled-tests)': vitest + "it.skip('is fine', () => {\n  expect(1).toBe(1)\n})\n",
  'vitest(expect-expect)': vitest + "it('is fine', () => {\n  void expect\n})\n",
  'vitest(valid-title)': vitest + "it('', () => {\n  expect(1).toBe(1)\n})\n",
}

describe('the linter', () => {
  it('catches what it is set up to catch', async () => {
    const complaints = await lint(filesOf(WRONG, sourceFor), { typeAware: true })
    expect(complaints).toEqual(
      expect.arrayContaining(Object.keys(WRONG).map((rule) => `${sourceFor(rule)} ${rule}`)),
    )
  })

  it('catches tests that prove nothing', async () => {
    expect(await lint(filesOf(WRONG_TESTS, testFor))).toEqual(
      Object.keys(WRONG_TESTS)
        .map((rule) => `${testFor(rule)} ${rule}`)
        .toSorted(),
    )
  })

  it('lets only the daemon and the launcher end the process', async () => {
    const text = 'process.exit(1)\n'
    expect(await lint({ 'src/daemon/daemon.ts': text, 'bin/hyperletter.js': text })).toEqual([])
  })
})

function filesOf(wrong: Record<string, string>, fileFor: (rule: string) => string) {
  return Object.fromEntries(
    Object.entries(wrong).map(([rule, text]): [string, string] => [fileFor(rule), text]),
  )
}

function sourceFor(rule: string): string {
  return `src/cli/${nameOf(rule)}.ts`
}

function testFor(rule: string): string {
  return `test/${nameOf(rule)}.test.ts`
}

function nameOf(rule: string): string {
  return rule.replaceAll(/[^a-z]+/g, '-').replace(/-$/, '')
}
