import type { Output } from '../api/contract/contract.ts'

/** An issue that has just arrived. Everything in it was written by its author, who may mean harm. */
export type ArrivedIssue = Output<'listIssues'>[number]

/** Somewhere that arrivals are told. */
export interface IssueOutlet {
  /** Takes an issue at once and tells of it when it can; failures are its own business. */
  deliver(issue: ArrivedIssue): void
  /** Ends what is under way, soon. */
  close(): Promise<void>
}
