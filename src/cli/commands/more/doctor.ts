import type { Output } from '../../../api/contract/contract.ts'
import { HyperletterError } from '../../../errors.ts'
import { call, type Commands, type Context, loadConfig } from '../../context.ts'
import { nameOf, plural } from '../../terminal/format.ts'
import { formatTable } from '../../terminal/table.ts'

type Diagnosis = Output<'diagnose'>
type Check = Diagnosis['checks'][number]

/** Checks made by the command itself, and checks made by the engine. */
interface Findings {
  /** Absent where no engine could be asked. */
  readonly publicKey?: string
  readonly checks: readonly Check[]
}

export const commands: Commands = {
  doctor: (command, bind) =>
    command
      .examples(
        'hyperletter doctor',
        'hyperletter doctor --repair',
        `hyperletter doctor --json | jq '.checks[] | select(.state != "ok")'`,
      )
      .option('--repair', 'make a new store if a file of it is damaged; no daemon may run')
      .action(bind(doctor)),
  why: (command, bind) =>
    command
      .examples('hyperletter why "Tide Tables"', 'hyperletter why tide --json')
      .action(bind(why)),
}

async function doctor(context: Context, options: { repair?: true }): Promise<number> {
  if (options.repair === true) return repair(context)
  const { out } = context
  await out.note('Checking; this takes up to ten seconds.')
  const { publicKey, checks } = await findings(context)
  const isWell = checks.every((it) => it.state !== 'failed')
  const result = { ok: isWell, publicKey, checks }
  await out.result(result, async () => {
    const key = publicKey === undefined ? '' : `\nPublic key of this device: ${publicKey}\n`
    return (await tableOf(checks, context)) + key
  })
  for (const { name, next } of checks) if (next !== undefined) await out.next(`${name}: ${next}`)
  return isWell ? 0 : 1
}

async function repair(context: Context): Promise<number> {
  const { out } = context
  const config = await loadConfig(context)
  const { repairStore } = await import('../../../engine/recovery/repair-store.ts')
  await out.note('Reading the whole store.')
  const { damage, aside, ...counts } = await repairStore(config)
  const { newsletters, blocks, lost } = counts
  const result = { repaired: damage !== undefined, damage, aside, ...counts }
  await out.result(result, () => {
    const held = `${newsletters} newsletters, ${blocks - lost} blocks of them`
    if (damage === undefined) return `Nothing is damaged: ${held}.\n`
    return `${damage.message}\nMade a new store: ${held}${lost > 0 ? `; ${lost} are lost` : ''}.\n`
  })
  if (aside === undefined) return 0
  await out.next('Run `hyperletter daemon start`: peers send what is missing.')
  await out.next(`The damaged store is in ${aside}: delete it when everything is back.`)
  return 0
}

async function findings(context: Context): Promise<Findings> {
  const { packageVersion } = await import('../../../version.ts')
  const version = packageVersion()
  const system = `${process.platform} ${process.arch}`
  const versions = ok(
    'version',
    `Hyperletter ${version}, Node.js ${process.versions.node}, ${system}`,
  )
  let config
  try {
    config = await loadConfig(context)
  } catch (error) {
    return { checks: [versions, failure('configuration', error)] }
  }
  const checks = [versions, ok('configuration', 'The configuration is valid.')]
  try {
    checks.push(await daemonCheck(context, config, version))
    const { publicKey, checks: more } = await call(context, 'diagnose', {})
    return { publicKey, checks: [...checks, ...more] }
  } catch (error) {
    context.io.signal.throwIfAborted()
    return { checks: [...checks, failure('data', error)] }
  }
}

async function daemonCheck(
  { services }: Context,
  config: Parameters<Context['services']['daemonStatus']>[0],
  version: string,
): Promise<Check> {
  let found
  try {
    found = await services.daemonStatus(config)
  } catch (error) {
    return failure('daemon', error)
  }
  if (!found.running) {
    return {
      name: 'daemon',
      state: 'warning',
      message: `No daemon answers at ${found.socket}.`,
      next: 'Run `hyperletter daemon start` to fetch and serve newsletters.',
    }
  }
  const message = `Process ${found.pid}, version ${found.version}, answers at ${found.socket}.`
  if (found.version === version) return ok('daemon', message)
  const next = '`hyperletter daemon stop`, then `hyperletter daemon start`.'
  return { name: 'daemon', state: 'warning', message: `${message} This is ${version}.`, next }
}

function tableOf(checks: readonly Check[], { out }: Context): Promise<string> {
  const { dim, green, red, yellow } = out.style
  const marks = {
    ok: { text: '✓', style: green },
    warning: { text: '!', style: yellow },
    failed: { text: '✗', style: red },
  }
  const rows = checks.map(({ name, state, message }) => [
    marks[state],
    { text: name, style: dim },
    message,
  ])
  // Not cut where the terminal is narrow: what is wrong may stand at the end.
  return formatTable([{}, {}, {}], rows)
}

function ok(name: string, message: string): Check {
  return { name, state: 'ok', message }
}

function failure(name: string, cause: unknown): Check {
  const { message, hint } = HyperletterError.from(cause)
  return { name, state: 'failed', message, next: hint }
}

async function why(context: Context, newsletter: string): Promise<void> {
  const { out } = context
  const it = await call(context, 'explainNewsletter', { newsletter })
  const { bold, green, yellow } = out.style
  await out.result(it, () => {
    const name = nameOf(it)
    const held = `${it.heldBlocks} of ${it.length} blocks, ${plural(it.peers, 'peer')} connected`
    const head = `${bold(name)}: ${it.complete ? green('complete') : yellow('not complete')} (${held})\n`
    return head + it.reasons.map(({ message }) => `  ${message}\n`).join('')
  })
  const step = nextStep(it)
  if (step !== undefined) await out.next(step)
}

// The first reason weighs most.
function nextStep({ reasons }: Output<'explainNewsletter'>): string | undefined {
  return reasons.find(({ next }) => next !== undefined)?.next
}
