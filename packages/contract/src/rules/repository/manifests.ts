import { basename } from 'node:path'

/** What a package manager's file says a project depends on. Read by patterns: only names and paths are needed. */
export interface Manifest {
  readonly file: string
  readonly kind: 'npm' | 'python' | 'go' | 'maven'
  /** what others depend on it by */
  readonly name: string | undefined
  readonly dependencies: readonly Dependency[]
}

export interface Dependency {
  readonly name: string
  /** relative to the manifest, where it is a folder */
  readonly path?: string
  /** where it stands in the text */
  readonly index: number
}

export function readManifest(file: string, text: string): Manifest {
  switch (basename(file)) {
    case 'package.json':
      return { file, kind: 'npm', ...npm(text) }
    case 'go.mod':
      return { file, kind: 'go', ...go(text) }
    case 'pom.xml':
      return { file, kind: 'maven', ...maven(text) }
    default:
      return { file, kind: 'python', ...python(text) }
  }
}

type Content = Pick<Manifest, 'name' | 'dependencies'>

function npm(text: string): Content {
  let written: unknown
  try {
    written = JSON.parse(text)
  } catch {
    return { name: undefined, dependencies: [] }
  }
  const { name, ...members } = (written ?? {}) as Record<string, unknown>
  const dependencies = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'].flatMap(
    (key) => {
      const start = text.indexOf(`"${key}"`)
      return Object.entries((members[key] ?? {}) as Record<string, unknown>).map(
        ([dependency, version]): Dependency => {
          const path = /^(?:file|link|portal):(.+)$/.exec(String(version))?.[1]
          const index = Math.max(0, text.indexOf(JSON.stringify(dependency), Math.max(0, start)))
          return { name: dependency, index, ...(path === undefined ? {} : { path }) }
        },
      )
    },
  )
  return { name: typeof name === 'string' ? name : undefined, dependencies }
}

/** PEP 503: names differ by nothing but these. */
function pythonName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

function python(text: string): Content {
  const name = /^\s*name\s*=\s*["']([^"']+)["']/m.exec(text)?.[1]
  const named = [
    ...text.matchAll(
      /(?:^|["'])([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?[ \t]*(?:@[ \t]*(?:file:)?(\.{1,2}\/[^\s"';]+)|[=<>~!]=?[^\n"']*|(?=["']|[ \t]*(?:#|$)))/gm,
    ),
  ]
  const poetry = [...text.matchAll(/^([A-Za-z0-9][\w.-]*)\s*=\s*\{[^}\n]*path\s*=\s*["']([^"']+)["']/gm)]
  const editable = [...text.matchAll(/^(?:-e|--editable)[ =]+(?:file:)?(\.{1,2}\/\S+)/gm)]
  const plain = [...text.matchAll(/^(\.{1,2}\/\S+)/gm)]
  return {
    name: name === undefined ? undefined : pythonName(name),
    dependencies: [
      ...[...poetry, ...named].map((found) => ({
        name: pythonName(found[1] ?? ''),
        index: found.index,
        ...(found[2] === undefined ? {} : { path: found[2] }),
      })),
      ...[...editable, ...plain].map((found) => ({ name: found[1] ?? '', path: found[1] ?? '', index: found.index })),
    ].filter((one) => one.name !== (name === undefined ? '' : pythonName(name))),
  }
}

function go(text: string): Content {
  const name = /^module\s+(\S+)/m.exec(text)?.[1]
  const replaced = new Map(
    [...text.matchAll(/^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s*=>\s*(\.{1,2}\/\S+)/gm)].map((found) => [
      found[1] ?? '',
      found[2] ?? '',
    ]),
  )
  const dependencies = [
    ...text.matchAll(/^\s*(?:require\s+)?([\w.-]+(?:\.[\w-]+)?\/\S+|[\w-]+(?:\/\S+)?)\s+v\d\S*/gm),
  ].map((found): Dependency => {
    const dependency = found[1] ?? ''
    const path = replaced.get(dependency)
    return {
      name: dependency,
      index: found.index + found[0].indexOf(dependency),
      ...(path === undefined ? {} : { path }),
    }
  })
  return { name, dependencies: dependencies.filter(({ name: one }) => one !== 'go' && one !== 'toolchain') }
}

function maven(text: string): Content {
  const coordinates = (part: string): string => {
    const group = /<groupId>\s*([^<\s]+)/.exec(part)?.[1] ?? ''
    return `${group}:${/<artifactId>\s*([^<\s]+)/.exec(part)?.[1] ?? ''}`
  }
  const blocks = [...text.matchAll(/<dependency>([\s\S]*?)<\/dependency>/g)]
  const own = text
    .replaceAll(/<(dependencies|dependencyManagement|build|parent|profiles)>[\s\S]*?<\/\1>/g, '')
    .replaceAll(/<!--[\s\S]*?-->/g, '')
  const parent = /<parent>([\s\S]*?)<\/parent>/.exec(text)?.[1] ?? ''
  const name = coordinates(own)
  return {
    name: name.startsWith(':') ? `${coordinates(parent).split(':')[0]}${name}` : name,
    dependencies: blocks.map((found) => ({ name: coordinates(found[1] ?? ''), index: found.index })),
  }
}
