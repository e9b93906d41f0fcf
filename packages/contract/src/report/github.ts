import { relative } from 'node:path'
import type { Report } from './report.ts'

const commands = { error: 'error', warning: 'warning', info: 'notice' } as const

/**
 * Workflow commands that GitHub Actions turns into annotations, one a line:
 * `::error file=a.yaml,line=2,col=3,title=spandrel unknown-key::message`. GitHub shows ten of a kind a step.
 */
export function githubReport({ findings, base }: Report): string {
  return findings
    .filter((one) => one.acknowledged === undefined)
    .map(({ severity, file, line, column, id, message, details = [], suggestion }) => {
      const place = Object.entries({ file: relative(base, file), line, col: column, title: `spandrel ${id}` })
      const properties = place.map(([key, value]) => `${key}=${property(String(value))}`).join(',')
      return `::${commands[severity]} ${properties}::${data([message, ...details, suggestion].join('\n'))}`
    })
    .join('\n')
}

/** A command ends with its line; these are the escapes that the runner undoes. */
function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
