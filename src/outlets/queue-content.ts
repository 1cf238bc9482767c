import * as z from 'zod'
import { correctedIssue, issueSummary, scheduled } from '../api/contract/parts.ts'
import { MAX_WAITING } from './outlet.ts'

const outcome = scheduled.extend({ event: z.enum(['published', 'not-published']) })

// What was queued by an earlier version has no event.
const issue = z.union([outcome, correctedIssue, issueSummary])

export const queueContent = z.object({
  deliveries: z.array(z.object({ issue, arrivedAt: z.number() })).max(MAX_WAITING),
  newest: z.record(z.string(), z.int().nonnegative()).default({}),
  newestBlocks: z.record(z.string(), z.int().nonnegative().optional()).default({}),
})

export type QueueContent = z.input<typeof queueContent>
