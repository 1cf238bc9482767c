import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

/** Source files by path, such as `src/records/link.ts`. */
type Files = Record<string, string>

const project = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

/** What a small project needs so that this project's linter configuration applies to it as it is. */
const CONFIGURATION = [
  '.oxlintrc.json',
  'tsconfig.json',
  'test/architecture/import-rules.js',
  'src/log/internals/internals.ts',
]

const report = z.object({
  number_of_files: z.int(),
  diagnostics: z.array(
    z.object({ code: z.string().optional(), message: z.string(), filename: z.string() }),
  ),
})

/** One complaint of the linter, as `<file> <rule>`: `src/errors.ts architecture(imports)`. */
export type Complaint = string

/**
 * Lints `files` as the whole source of a project with this project's own configuration, in a
 * directory of its own, so that wrong files can be shown without living in the repository.
 * @param options.typeAware also run the rules that need types, which takes longer.
 */
export async function lint(files: Files, options = { typeAware: false }): Promise<Complaint[]> {
  const directory = await mkdtemp(join(tmpdir(), 'hyperletter-lint-'))
  try {
    for (const path of CONFIGURATION) await cp(join(project, path), join(directory, path))
    await symlink(join(project, 'node_modules'), join(directory, 'node_modules'), 'junction')
    await writeFile(join(directory, 'package.json'), '{ "type": "module" }')
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), text)
    }
    return await complaints(directory, options.typeAware, Object.keys(files))
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function complaints(
  cwd: string,
  typeAware: boolean,
  paths: readonly string[],
): Promise<Complaint[]> {
  const linter = join(project, 'node_modules/oxlint/bin/oxlint')
  const flags = ['--format=json', ...(typeAware ? ['--type-aware'] : [])]
  const output = await run(process.execPath, [linter, ...flags, ...paths], { cwd }).catch(
    // Complaints make the linter exit with 1; anything else is told by the JSON that is missing.
    (error: unknown) => z.object({ stdout: z.string() }).parse(error),
  )
  const result = report.parse(JSON.parse(output.stdout))
  if (result.number_of_files !== paths.length) {
    throw new Error(`${result.number_of_files} of ${paths.length} files were linted`)
  }
  return result.diagnostics.map((it) => `${it.filename} ${it.code ?? it.message}`).toSorted()
}
