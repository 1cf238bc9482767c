import type { Commands, Context } from '../../context.ts'
import type { Narrator } from '../../demo.ts'

export const commands: Commands = {
  demo: (command, bind) =>
    command.examples('hyperletter demo', 'hyperletter demo --json').action(bind(demo)),
}

const NEXT = `Try it yourself:
  hyperletter create "My newsletter"      a newsletter, and the link for its readers
  hyperletter publish first-issue.md      sign an issue and append it
  hyperletter daemon start                keep serving it, and fetch what others publish
  hyperletter --help                      everything else
`

async function demo(context: Context): Promise<void> {
  const { io, options, out } = context
  const { tellStory } = await import('../../demo.ts')
  const isQuiet = options.json === true || options.quiet === true
  const say = (line: string) => (isQuiet ? Promise.resolve() : out.text(line))
  const startedAt = performance.now()
  const steps: { what: string; seconds: number }[] = []
  const narrator: Narrator = {
    async step(doing, work, done) {
      await say(`${out.style.bold(`${steps.length + 1}.`)} ${doing}\n`)
      const began = performance.now()
      const result = await work()
      const seconds = secondsSince(began)
      steps.push({ what: doing, seconds })
      await say(`   ${out.style.dim(`${seconds.toFixed(1)} s`)}  ${done(result)}\n`)
      return result
    },
  }
  const result = await tellStory(narrator, io.signal)
  const seconds = secondsSince(startedAt)
  await out.result(
    { ok: true, ...result, seconds, steps },
    () =>
      `\n${out.style.green('✓')} The newsletter outlived its publisher’s machine, in ${seconds.toFixed(1)} s.\n\n${NEXT}`,
  )
}

function secondsSince(began: number): number {
  return Math.round((performance.now() - began) / 100) / 10
}
