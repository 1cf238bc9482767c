import type { Command } from 'commander'
import type { Context } from './context.ts'

/** The work of one command, given its arguments and options. A number is the exit code, nothing means 0. */
export type Body<A extends unknown[]> = (context: Context, ...args: A) => Promise<number | void>

/** Makes the action of a commander command from the work of a command. */
export type Bind = <A extends unknown[]>(body: Body<A>) => (...args: unknown[]) => Promise<void>

/** What a file in `commands/` exports: it adds its command to the program. */
export interface CommandModule {
  register(program: Command, bind: Bind): void
}

/** The examples below the help of a command. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
