import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Commands, Context } from '../../context.ts'

export const commands: Commands = {
  web: (command, bind) =>
    command
      .more('It checks newsletters on any web host against their keys: see docs/reach.md.')
      .option('--hash', 'print its SHA-256 and nothing else')
      .examples(
        'hyperletter web --hash',
        'curl -s https://tides.example/reader.html | sha256sum   # the same, if it is this version',
      )
      .action(bind(showReaderFile)),
}

async function showReaderFile(
  { out }: Context,
  { hash: hashAlone = false }: { readonly hash?: boolean },
): Promise<void> {
  const { browserFile } = await import('../../../api/preserving/website.ts')
  const path = fileURLToPath(browserFile('reader.html'))
  const hash = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  await out.result({ file: path, sha256: hash }, () =>
    hashAlone ? `${hash}\n` : `${path}\n${hash}\n`,
  )
}
