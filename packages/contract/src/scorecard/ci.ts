import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Service } from '../model/system.ts'
import type { Basis, Place } from './model.ts'

/** Where CI services look for what to run. */
const files = [
  '.gitlab-ci.yml',
  '.circleci/config.yml',
  '.travis.yml',
  '.drone.yml',
  '.woodpecker.yml',
  'azure-pipelines.yml',
  'bitbucket-pipelines.yml',
  'Jenkinsfile',
]
const folders = ['.github/workflows', '.woodpecker', '.buildkite', '.ci']

/** What holds code against a contract, or a contract against its last version. A linter does neither. */
const tools: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['spandrel verify', /\bspandrel\b[^#\n]*\sverify\b/],
  ['spandrel diff', /\bspandrel\b[^#\n]*\sdiff\b|uses:\s*['"]?[\w.-]*\/?spandrel\S*action/],
  ['Pact', /\bpact(-broker|-provider-verifier|-verifier)\b|\bcan-i-deploy\b|\bpact(Verify|Publish)\b/],
  ['Schemathesis', /\b(schemathesis|st)\s+run\b/],
  ['Dredd', /\bdredd\b/],
  ['Specmatic', /\bspecmatic\b/],
  ['Microcks', /\bmicrocks\b/],
  ['Portman', /\bportman\b/],
  ['oasdiff', /\boasdiff\b/],
  ['Spring Cloud Contract', /\bcontractTest\b/],
]

const MOST_BYTES = 512 * 1024

/** The first contract test that the CI of a service's repository runs, itself or by a script of package.json. */
export function contractTestsOf(service: Service, root: string): (Basis & { readonly at: Place }) | undefined {
  for (const folder of upwards(service.dir, root)) {
    for (const file of ciFiles(folder)) {
      for (const [index, line] of readLines(file).entries()) {
        const at = { file, line: index + 1 }
        const tool = toolIn(line)
        if (tool !== undefined) return { text: `CI runs ${tool}`, at }
        const script = scriptCalled(line)
        const inside = script === undefined ? undefined : scriptTool(folder, script)
        if (inside !== undefined) return { text: `CI runs ${inside} as \`${script}\``, at }
      }
    }
  }
  return undefined
}

/** From a service's folder to its repository's; without a repository, to the system's. */
function upwards(from: string, root: string): readonly string[] {
  const found: string[] = []
  for (let folder = from; ; folder = dirname(folder)) {
    found.push(folder)
    if (existsSync(join(folder, '.git'))) return found
    if (dirname(folder) === folder) break
  }
  return found.filter((folder) => folder === root || folder.startsWith(`${root}/`))
}

function ciFiles(folder: string): readonly string[] {
  const inside = folders.flatMap((name) => {
    try {
      return readdirSync(join(folder, name)).map((file) => join(folder, name, file))
    } catch {
      return []
    }
  })
  return [...files.map((file) => join(folder, file)), ...inside.sort()].filter(
    (file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true,
  )
}

function readLines(file: string): readonly string[] {
  try {
    return statSync(file).size > MOST_BYTES ? [] : readFileSync(file, 'utf8').split(/\r?\n/)
  } catch {
    return []
  }
}

function toolIn(line: string): string | undefined {
  if (/^\s*(#|\/\/)/.test(line)) return undefined
  return tools.find(([, pattern]) => pattern.test(line))?.[0]
}

/** `npm run contracts`, `pnpm contracts:verify`, `npm test`. */
function scriptCalled(line: string): string | undefined {
  if (/^\s*(#|\/\/)/.test(line)) return undefined
  const found = /\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:--?[\w-]+\s+)*([\w:.-]+)/.exec(line)
  return found?.[1]
}

function scriptTool(folder: string, script: string): string | undefined {
  try {
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      scripts?: Record<string, unknown>
    }
    const text = scripts?.[script]
    return typeof text === 'string' ? toolIn(text) : undefined
  } catch {
    return undefined
  }
}
