import * as z from 'zod'
import { AGE, DAY } from './keep.ts'

/** A `Keep`, as it is stored and as it crosses the socket. */
export const keepSchema = z.strictObject({
  newest: z.int().min(1).max(1_000_000).optional(),
  newerThan: z.union([z.string().regex(AGE), z.string().regex(DAY)]).optional(),
  atMostBytes: z.int().nonnegative().optional(),
  textOnly: z.boolean().optional(),
})
