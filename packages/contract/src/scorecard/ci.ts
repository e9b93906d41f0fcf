import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Service, System } from '../model/system.ts'
import type { Repository } from '../rules/repository/repository.ts'
import { testFilesRun } from './ci-test-files.ts'
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

/** Calls and messages are tested by different tools; some know both. */
export type Tested = 'call' | 'message'
const calls: readonly Tested[] = ['call']
const both: readonly Tested[] = ['call', 'message']

interface Tool {
  readonly name: string
  readonly pattern: RegExp
  readonly tests: readonly Tested[]
}

/** What holds code against a contract, or a contract against its last version, on a command line. A linter does neither. */
const tools: readonly Tool[] = [
  // Without these it asks over HTTP only.
  {
    name: 'spandrel verify',
    pattern: /\bspandrel\b[^#\n]*\sverify\b[^#\n]*\s--(transport|push)\b/,
    tests: ['message'],
  },
  { name: 'spandrel verify', pattern: /\bspandrel\b[^#\n]*\sverify\b/, tests: calls },
  {
    name: 'spandrel diff',
    pattern: /\bspandrel\b[^#\n]*\sdiff\b|uses:\s*['"]?[\w.-]*\/?spandrel\S*action/,
    tests: both,
  },
  {
    name: 'Pact',
    pattern: /\bpact(-broker|-provider-verifier|-verifier)\b|\bcan-i-deploy\b|\bpact(Verify|Publish)\b/,
    tests: both,
  },
  { name: 'Schemathesis', pattern: /\b(schemathesis|st)\s+run\b/, tests: calls },
  { name: 'Dredd', pattern: /\bdredd\b/, tests: calls },
  { name: 'Specmatic', pattern: /\bspecmatic\b/, tests: both },
  { name: 'Microcks', pattern: /\bmicrocks\b/, tests: both },
  { name: 'Portman', pattern: /\bportman\b/, tests: calls },
  { name: 'oasdiff', pattern: /\boasdiff\b/, tests: calls },
  { name: 'Spring Cloud Contract', pattern: /\bcontractTest\b/, tests: both },
]

/** A pipeline that runs a file that runs a script that runs a script: deeper nobody looks either. */
const DEEPEST = 4
const MOST_BYTES = 512 * 1024

export type CiTest = readonly (Basis & { readonly at: Place })[]

/**
 * The first contract test of a service that CI runs, with the line of CI and, where it is in a test file, that line too.
 * Followed are scripts of package.json, shell files, and what a test runner is told to run; nothing is executed.
 */
export function contractTestsOf(
  service: Service,
  tested: Tested,
  /** `from`: the folder whose repository has the CI */
  { system, repository, from }: { readonly system: System; readonly repository: Repository; readonly from: string },
): CiTest | undefined {
  for (const folder of upwards(from, system.dir)) {
    const followed: Followed = {
      folder,
      tested,
      seen: new Set(),
      tests: (line) => testFilesRun(line, folder, service, tested, { system, repository }),
    }
    for (const file of ciFiles(folder)) {
      const found = inFile(file, followed, 0)
      if (found !== undefined) return found
    }
  }
  return undefined
}

interface Followed {
  readonly folder: string
  readonly tested: Tested
  /** files that were read */
  readonly seen: Set<string>
  /** the test file that a command line runs, if it tests the service */
  readonly tests: (line: string) => { readonly runner: string; readonly test: CiTest[number] } | undefined
}

function inFile(file: string, followed: Followed, depth: number): CiTest | undefined {
  if (depth > DEEPEST || followed.seen.has(file)) return undefined
  followed.seen.add(file)
  const lines = readLines(file)
  const runners = scriptRunners(lines)
  for (const [index, line] of lines.entries()) {
    if (/^\s*(#|\/\/)/.test(line)) continue
    const at = { file, line: index + 1 }
    const found = inCommand(
      line,
      [...scriptsCalled(line), ...runners.flatMap((name) => argumentsOf(name, line))],
      followed,
    )
    if (found !== undefined) return [{ text: found.text, at }, ...(found.test === undefined ? [] : [found.test])]
    for (const called of filesCalled(line, followed.folder)) {
      const inside = inFile(called, followed, depth + 1)
      if (inside !== undefined) return inside
    }
  }
  return undefined
}

/** A command line, and the scripts that it runs. */
function inCommand(
  line: string,
  scripts: readonly string[],
  followed: Followed,
  depth = 0,
): { readonly text: string; readonly test?: CiTest[number] } | undefined {
  const tool = tools.find(({ pattern, tests }) => tests.includes(followed.tested) && pattern.test(line))
  if (tool !== undefined) return { text: `CI runs ${tool.name}` }
  const run = followed.tests(line)
  if (run !== undefined) return { text: `CI runs ${run.runner}`, test: run.test }
  if (depth > DEEPEST) return undefined
  for (const script of scripts) {
    const text = scriptText(followed.folder, script)
    const found = text === undefined ? undefined : inCommand(text, scriptsCalled(text), followed, depth + 1)
    if (found === undefined) continue
    return { ...found, text: found.text.includes(' as `') ? found.text : `${found.text} as \`${script}\`` }
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
  return [...files.map((file) => join(folder, file)), ...inside.sort()].filter(isFile)
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true
}

function readLines(file: string): readonly string[] {
  try {
    return statSync(file).size > MOST_BYTES ? [] : readFileSync(file, 'utf8').split(/\r?\n/)
  } catch {
    return []
  }
}

/** `npm run contracts`, `pnpm contracts:verify`, `npm test`. */
function scriptsCalled(line: string): readonly string[] {
  const found = line.matchAll(/\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:--?[\w-]+\s+)*([\w:.-]+)/g)
  return [...found].map(([, name = '']) => name)
}

/** Functions of a shell file that run the script they are given: `tests() { npm run --silent "$1"; }`. */
function scriptRunners(lines: readonly string[]): readonly string[] {
  const found: string[] = []
  let inside: string | undefined
  for (const line of lines) {
    inside = /^\s*(?:function\s+)?([\w-]+)\s*\(\)\s*\{?/.exec(line)?.[1] ?? inside
    if (inside !== undefined && /\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?(?:--?[\w-]+\s+)*"?\$\{?1\b/.test(line))
      found.push(inside)
    if (line.startsWith('}')) inside = undefined
  }
  return found
}

function argumentsOf(name: string, line: string): readonly string[] {
  const [, script] = new RegExp(`(?:^|[\\s;&|])${name}\\s+([\\w:.-]+)`).exec(line) ?? []
  return script === undefined ? [] : [script]
}

/** `bash .ci/run`, `./scripts/contracts.sh` */
function filesCalled(line: string, folder: string): readonly string[] {
  const paths = line.matchAll(
    /(?:^|[\s'"])(?:(?:bash|sh|zsh|source)\s+)(?:-\w+\s+)*(\.{0,2}[\w./-]+)|(?:^|[\s'"])(\.{1,2}\/[\w./-]+|[\w./-]+\.sh)\b/g,
  )
  return [...paths].map(([, first, second]) => join(folder, first ?? second ?? '')).filter(isFile)
}

function scriptText(folder: string, script: string): string | undefined {
  try {
    const { scripts } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      scripts?: Record<string, unknown>
    }
    const text = scripts?.[script]
    return typeof text === 'string' ? text : undefined
  } catch {
    return undefined
  }
}
