/**
 * What a command says. Results go to standard output, everything about how it is getting on to standard error; with
 * `--json` the only thing on standard output is one JSON document (or, from `dev`, one a line).
 */
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'
import { complaint } from './command-error.ts'

export type Style = Parameters<typeof styleText>[0]

export type Paint = (style: Style, text: string) => string

/** Colours for a stream: none when it is no terminal, or where NO_COLOR asks for none. */
export function painter(stream: NodeJS.WritableStream, env: NodeJS.ProcessEnv = process.env): Paint {
  const forced = env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0' && env['FORCE_COLOR'] !== ''
  const plain = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  const coloured = !plain && (forced || (stream as WriteStream).isTTY)
  return coloured ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}

export class Output {
  readonly json: boolean
  /** for standard output */
  readonly paint: Paint
  readonly #paintError: Paint
  readonly #terminal: boolean
  #progress = ''

  constructor(options: { json?: boolean | undefined } = {}) {
    this.json = options.json === true
    this.paint = painter(process.stdout)
    this.#paintError = painter(process.stderr)
    this.#terminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb'
  }

  /** A line of the result; nothing with `--json`. */
  line(text = ''): void {
    if (this.json) return
    this.#clear()
    process.stdout.write(`${text}\n`)
  }

  /** A whole result that has its form already, with `--json` or without. */
  text(text: string): void {
    this.#clear()
    process.stdout.write(`${text}\n`)
  }

  /** The whole result with `--json`; nothing without. */
  document(value: unknown): void {
    if (!this.json) return
    this.#clear()
    process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  }

  /** Something the user should know that is no part of the result. */
  note(text: string): void {
    this.#clear()
    process.stderr.write(`${text}\n`)
  }

  warn(text: string): void {
    this.note(`${this.#paintError('yellow', 'warning')}  ${text}`)
  }

  /** One line that is replaced by the next, on a terminal only; an empty one takes it away. */
  progress(text: string): void {
    if (!this.#terminal || this.json) return
    this.#clear()
    if (text === '') return
    const width = Math.max(20, process.stderr.columns || 80)
    this.#progress = text.slice(0, width - 1)
    process.stderr.write(this.#paintError('dim', this.#progress))
  }

  #clear(): void {
    if (this.#progress === '') return
    this.#progress = ''
    process.stderr.write('\r\u001B[2K')
  }

  /** Ends with what happened, where, and what to do next. */
  fail(error: unknown): void {
    const { what, where, fix, code } = complaint(error)
    if (this.json) {
      this.document({ error: { what, ...(where && { where }), ...(fix && { fix }), ...(code && { code }) } })
    } else {
      const lines = [`${this.#paintError('red', 'error')}  ${what}`]
      if (where !== undefined) lines.push(`  where  ${where}`)
      if (fix !== undefined) lines.push(`  fix    ${fix}`)
      this.note(lines.join('\n'))
    }
    if ((process.env['DEBUG'] ?? '') !== '' && error instanceof Error) this.note(causes(error))
  }
}

function causes(error: Error): string {
  const stack = error.stack ?? String(error)
  return error.cause instanceof Error ? `${stack}\ncaused by: ${causes(error.cause)}` : stack
}
