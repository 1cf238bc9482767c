import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
let state = Number(values.seed)

/** As the command line says. */
export const { seed } = values

/** How many rounds the command line asks for. */
export function roundsOr(usual: number): number {
  return Number(values.rounds ?? usual)
}

/** From 0 to 1, the same numbers for the same seed; when exactly a kill falls is up to the machine. */
export function random(): number {
  state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
  return state / 2 ** 32
}
