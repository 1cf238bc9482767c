import { outcomesOf, type Modules, type Outcomes, type Subjects } from './outcomes.ts'

/** In a browser: what its bundles make of the subjects. */
export async function run(subjects: Subjects): Promise<Outcomes> {
  // As in Safari, which has none of them.
  Reflect.deleteProperty(ReadableStream, 'from')
  Reflect.deleteProperty(ReadableStream.prototype, 'values')
  Reflect.deleteProperty(ReadableStream.prototype, Symbol.asyncIterator)

  const load = (name: string): Promise<unknown> => import(`/${name}.js`)
  const [format, render] = await Promise.all([load('format'), load('render')])
  return outcomesOf({ format, render } as Modules, subjects, async (file) => {
    const response = await fetch(`/${file}`)
    return new Uint8Array(await response.arrayBuffer())
  })
}
