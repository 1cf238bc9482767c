/** The folder of the code, `src/` or `dist/`. What is built puts this module into other files of that folder. */
export const CODE = new URL('./', import.meta.url)

/** The folder of the package. */
export const PACKAGE = new URL('../', import.meta.url)

/** Whether the source runs, and not what was built of it. */
export const IS_SOURCE = import.meta.url.endsWith('.ts')
