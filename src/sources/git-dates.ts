import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { invalidInput } from '../errors.ts'

/** Of the list of all files that any commit added: a million of them. */
const MAX_LOG_BYTES = 256 * 1024 * 1024

/**
 * When git first got each file of a folder, whatever the file was called then: ISO 8601 in UTC, by path below the
 * folder with `/`. One call of git, which runs no program that the repository names.
 * @throws INVALID_INPUT if the folder is in no repository, or in one whose history is cut off.
 */
export async function datesInGit(folder: string): Promise<ReadonlyMap<string, string>> {
  const shallow = await git(folder, ['rev-parse', '--is-shallow-repository'])
  if (shallow.trim() === 'true') {
    throw invalidInput(`The history of ${folder} is cut off.`, {
      hint: 'Fetch all of it with `git fetch --unshallow`, and import again.',
    })
  }
  const shown = ['--name-status', '--diff-filter=AR', '-M', '--relative', '--format=%x00%aI']
  const log = await git(folder, [
    'log',
    '--no-show-signature',
    '--no-ext-diff',
    ...shown,
    '--',
    '.',
  ])
  const dates = new Map<string, string>()
  /** What a file of an older commit is called now. */
  const names = new Map<string, string>()
  let date = ''
  for (const line of log.split('\n')) {
    if (line.startsWith('\0')) date = new Date(line.slice(1)).toISOString()
    const [state = '', path = '', renamed] = line.split('\t')
    const now = names.get(renamed ?? path) ?? renamed ?? path
    if (state === 'A') dates.set(now, date)
    else if (renamed !== undefined) {
      names.set(path, now)
      // Below another folder, or cut off: the name is all there is.
      dates.set(now, date)
    }
  }
  return dates
}

async function git(folder: string, args: readonly string[]): Promise<string> {
  const safe = ['-c', 'core.quotePath=false', '-c', 'core.fsmonitor=false', '-C', folder]
  try {
    const options = { maxBuffer: MAX_LOG_BYTES, env: { ...process.env, GIT_PAGER: 'cat' } }
    return (await promisify(execFile)('git', [...safe, ...args], options)).stdout
  } catch (cause) {
    throw invalidInput(`git knows no dates of ${folder}.`, {
      hint: 'Import a folder of a git repository, or leave out --undated git.',
      cause,
    })
  }
}
