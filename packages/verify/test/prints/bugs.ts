/** Defects of the print service, one at a time: how it tells the outcome of its work. See ../servers/bugs.ts. */
import type { Bug } from '../servers/bugs.ts'

export const printBugs = {
  'callback-never': {
    what: 'a print is made, and nobody is called back',
    failedBy: 'askForPrint/completes',
  },
  'callback-late': {
    what: 'the callback comes after the time that is promised',
    failedBy: 'askForPrint/completes',
  },
  'callback-elsewhere': {
    what: 'the URL of the latest request is called, whoever began the work',
    failedBy: 'askForPrint/completes',
    // Who is called for others hears of two prints, and of how another's ended.
    also: ['askForPrint/completes-once', 'askForPrint/expected-outcome', 'askForPrint/effect-before-success'],
  },
  'callback-twice': { what: 'the callback is made twice', failedBy: 'askForPrint/completes-once' },
  'callback-both-outcomes': {
    what: 'a print that jammed is said to be printed a moment later',
    failedBy: 'askForPrint/completes-once',
  },
  'callback-inside-transaction': {
    what: 'it calls back before it commits',
    failedBy: 'askForPrint/effect-before-success',
  },
  'callback-always-printed': {
    what: 'the callback says printed, whatever became of it',
    failedBy: 'askForPrint/expected-outcome',
    also: ['askForPrint/effect-before-success'],
  },
  'reply-never': { what: 'what is refused gets no reply', failedBy: 'quotePrint/completes' },
  'reply-late': { what: 'the reply comes after the time that is promised', failedBy: 'quotePrint/completes' },
  'reply-uncorrelated': {
    what: 'the reply has a correlation id of its own',
    failedBy: 'quotePrint/completes',
  },
  'reply-twice': { what: 'the reply is sent twice, each with an id of its own', failedBy: 'quotePrint/completes-once' },
  'reply-before-effect': {
    what: 'the reply leaves first, and the quote is written afterwards',
    failedBy: 'quotePrint/effect-before-success',
  },
  'reply-always-made': {
    what: 'the reply is a quote, also where there is none',
    failedBy: 'quotePrint/expected-outcome',
    also: ['quotePrint/effect-before-success'],
  },
} as const satisfies Record<string, Bug>

export type PrintBug = keyof typeof printBugs
