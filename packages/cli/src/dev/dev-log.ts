/** One log of everything that runs: who said it, aligned, in the colour of its service. */
import { painter, type Paint, type Style } from '../output/output.ts'
import { type Level, readable } from './readable.ts'

const palette: readonly Style[] = [
  'cyan',
  'green',
  'magenta',
  'blue',
  'yellow',
  'cyanBright',
  'greenBright',
  'magentaBright',
  'blueBright',
  'yellowBright',
]
const levelStyle: Readonly<Record<Level, Style | undefined>> = {
  trace: 'dim',
  debug: 'dim',
  info: undefined,
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
}

export interface DevLogOptions {
  json: boolean
  /** everybody who will speak, for alignment and colours */
  speakers: readonly string[]
  stream?: NodeJS.WritableStream
  now?: () => Date
}

export class DevLog {
  readonly #json: boolean
  readonly #paint: Paint
  readonly #stream: NodeJS.WritableStream
  readonly #now: () => Date
  readonly #colours = new Map<string, Style>()
  #width = 0

  constructor(options: DevLogOptions) {
    this.#json = options.json
    this.#stream = options.stream ?? process.stdout
    this.#paint = painter(this.#stream)
    this.#now = options.now ?? (() => new Date())
    this.introduce('spandrel')
    for (const speaker of options.speakers) this.introduce(speaker)
  }

  introduce(speaker: string): void {
    if (this.#colours.has(speaker)) return
    // The first is our own voice.
    const colour = this.#colours.size === 0 ? 'dim' : palette[(this.#colours.size - 1) % palette.length]
    this.#colours.set(speaker, colour ?? 'dim')
    this.#width = Math.max(this.#width, speaker.length)
  }

  /** A line a process wrote. */
  output(speaker: string, line: string): void {
    if (line.trim() === '') return
    const { level, message, fields: shown, values, below } = readable(line, speaker)
    if (this.#json) {
      const record = { time: this.#now().toISOString(), source: speaker, level, message }
      const fields = Object.keys(values).length > 0 ? { fields: values } : {}
      this.#stream.write(`${JSON.stringify({ ...record, ...fields })}\n`)
      return
    }
    const style = levelStyle[level]
    const plain = line === message || level === 'info'
    const word = plain ? '' : `${this.#paint(style ?? 'dim', level)}  `
    const text = style === undefined ? message : this.#paint(style, message)
    this.#write(speaker, `${word}${text}${shown === '' ? '' : `  ${this.#paint('dim', shown)}`}`)
    for (const one of below) this.#write(speaker, this.#paint('dim', `  ${one}`))
  }

  /** Something `dev` itself has to say about a process, or about everything. `event` and `fields` are for programs. */
  event(event: string, message: string, options: { about?: string; level?: Level; fields?: object } = {}): void {
    const level = options.level ?? 'info'
    if (this.#json) {
      const record = {
        time: this.#now().toISOString(),
        source: 'spandrel',
        level,
        event,
        message,
        ...(options.about && { about: options.about }),
        ...options.fields,
      }
      this.#stream.write(`${JSON.stringify(record)}\n`)
      return
    }
    const style = levelStyle[level] ?? 'dim'
    this.#write(options.about ?? 'spandrel', this.#paint(style, message))
  }

  /** Text that stands by itself: the summary when everything is up. Nothing with `--json`. */
  block(lines: readonly string[]): void {
    if (!this.#json) this.#stream.write(`${lines.join('\n')}\n`)
  }

  #write(speaker: string, text: string): void {
    this.introduce(speaker)
    const time = this.#paint('dim', clock(this.#now()))
    const name = this.#paint(this.#colours.get(speaker) ?? 'dim', `${speaker.padEnd(this.#width)} │`)
    this.#stream.write(`${time} ${name} ${text}\n`)
  }
}

/** `12:00:01.120`, in the time of this place. */
export function clock(at: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`
}
