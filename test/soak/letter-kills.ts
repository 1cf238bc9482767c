/**
 * Kills the daemon of a writer, a carrier or an author with SIGKILL while a letter is written or on its way, again and
 * again. In the end each letter that was acknowledged has reached the author once; of one that was not, its writer is
 * told what became of it, or it does not exist.
 *
 * npm run soak:letters -- --rounds 100 [--seed 1]
 */
import { setTimeout as pause } from 'node:timers/promises'
import { assert, People, type Letters } from './people.ts'
import { random, roundsOr, seed } from './rounds.ts'

const PEOPLE = ['writer', 'carrier', 'author'] as const
type Person = (typeof PEOPLE)[number]

const rounds = roundsOr(20)

await using people = await People.open<Person>()
const { run, must, until } = people

async function soak(): Promise<void> {
  const { feedKey, link } = await must<{ feedKey: string; link: string }>(
    'author',
    'create',
    'Soak',
    '--no-confirm',
  )
  await must('author', 'edit', feedKey, '--letters', 'admitted')
  const { code } = await must<{ code: string }>('author', 'admit', feedKey)
  await people.goOnline('author')
  for (const it of ['carrier', 'writer'] as const) {
    await people.goOnline(it)
    await must(it, 'subscribe', link, '--timeout', '60')
    await until(it, feedKey, ({ wanted }) => wanted)
  }

  const acknowledged = new Set<string>()
  const killed = { writer: 0, carrier: 0, author: 0 }
  let usualMs = 1_500
  for (let round = 0; round < rounds; round++) {
    const victim = PEOPLE[round % PEOPLE.length] as Person
    const text = `Letter ${round} of ${seed}`
    // Each other time the author is not there, and the carrier has to take it.
    const isAway = victim !== 'author' && random() < 0.5
    if (isAway) await people.kill('author')
    const begun = Date.now()
    const written = run('writer', 'write', feedKey, '--text', text, '--code', code, '--wait', '5')
    await pause(random() * 1.5 * usualMs)
    await people.kill(victim)
    killed[victim]++
    const { code: exit } = await written
    if (exit === 0) {
      acknowledged.add(text)
      usualMs = (usualMs + Math.min(Date.now() - begun, 3_000)) / 2
    }
    for (const it of PEOPLE) if (!people.isOnline(it)) await people.goOnline(it)
    process.stderr.write(
      `round ${round + 1}: ${victim} killed, ${exit === 0 ? '' : 'not '}written\n`,
    )
  }

  const { mine } = await until('writer', feedKey, (it) =>
    it.mine.every((letter) => letter.state === 'received'),
  )
  const { waiting } = await must<Letters>('author', 'letters', feedKey)
  const arrived = waiting.map((it) => it.text)
  assert(new Set(arrived).size === arrived.length, `A letter arrived twice: ${arrived.join(', ')}`)
  const told = mine.map((it) => it.text)
  assert(new Set(told).size === told.length, `A letter is listed twice: ${told.join(', ')}`)
  for (const it of acknowledged) assert(told.includes(it), `${it} was acknowledged, and is lost`)
  assert(
    arrived.toSorted().join('\n') === told.toSorted().join('\n'),
    `The author has ${arrived.join(', ')}; the writer was told of ${told.join(', ')}`,
  )
  const { writer, carrier, author } = killed
  process.stdout.write(
    `${rounds} rounds, killed: writer ${writer}, carrier ${carrier}, author ${author}; ${acknowledged.size} letters acknowledged, ${arrived.length} arrived, each once\n`,
  )
}

await soak()
