// One peer in a process of its own, to be killed:
//   peer-process.ts author <bootstrap> <data directory> <folder with chart.png>   prints the link
//   peer-process.ts reader <bootstrap> <data directory> <link>    prints "held", then "problem <code>"
import { bindOperations } from '../../src/api/operations.ts'
import { Engine } from '../../src/engine/engine.ts'
import { loadConfig } from '../../src/config/config.ts'
import { createLogger } from '../../src/logger.ts'

const [role, bootstrap, dataDir, subject = ''] = process.argv.slice(2)
const config = await loadConfig({ bootstrap, dataDir, logLevel: 'warn' })
const engine = await Engine.open({ config, logger: createLogger(config.logLevel) })
const operations = bindOperations(engine, 'engine')
const print = (text: string) => process.stdout.write(`${text}\n`)

if (role === 'author') {
  await engine.network()
  const { link } = await operations.createNewsletter({ title: 'Tides' })
  for (const number of [1, 2, 3]) {
    const draft = { markdown: `# Issue ${number}\n\n![](chart.png)\n`, folder: subject }
    for await (const _ of operations.publishIssue({ draft }));
  }
  print(link)
} else {
  for await (const _ of operations.subscribe({ link: subject }));
  print('held')
  const watch = setInterval(() => {
    const problem = engine.library.list()[0]?.problem
    if (problem === undefined) return
    clearInterval(watch)
    print(`problem ${problem.code}`)
  }, 20)
}
