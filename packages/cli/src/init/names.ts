/** What a system and its services are called, taken from what is there. */
import { basename, dirname, relative, sep } from 'node:path'

/** `@acme/Order_Service` → `order-service`, `Größe` → `grosse`; what spandrel.yaml allows as a name. */
export function asName(written: string, otherwise: string): string {
  const plain = written
    .replace(/^@[^/]*\//, '')
    .replaceAll('ß', 'ss')
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
  return plain === '' ? otherwise : plain
}

/** Names that say what a file or folder is, and not whose it is. */
const general =
  /^(?:(?:open|async)-?api|swagger|apis?|specs?|schemas?|contracts?|docs?|doc|index|main|src|lib|app|public|static|resources|services|packages|apps|rest|http|events?|messages?|v\d+)$/

/**
 * The service a document belongs to: what its file is called, unless that is only `openapi.yaml`; then the nearest folder
 * with a name of its own; then the system.
 */
export function serviceOf(document: string, root: string, system: string): string {
  const stem = basename(document).replace(/(\.(openapi|asyncapi|swagger))?\.(ya?ml|json)$/i, '')
  const candidates = [stem]
  for (let folder = dirname(document); folder !== root && folder.startsWith(root + sep); folder = dirname(folder)) {
    candidates.push(basename(folder))
  }
  const own = candidates.map((one) => asName(one, '')).find((one) => one !== '' && !general.test(one))
  // The gateway's own variables begin with its name.
  return own === 'gateway' ? 'gateway-service' : (own ?? system)
}

/** A path as spandrel.yaml writes it: relative to it, with slashes. */
export function written(path: string, root: string): string {
  return relative(root, path).split(sep).join('/')
}
