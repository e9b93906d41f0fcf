import { expect, test } from 'vitest'
import { PathTree } from './path-tree.ts'

function taken(templates: readonly string[], path: string): string | undefined {
  const tree = new PathTree<string>()
  for (const template of templates) tree.add('GET', template, template)
  const values: string[] = []
  const found = tree.find('GET', path, values)
  return found === undefined ? undefined : [found, ...values].join(' ')
}

test.each([
  // a literal, then a pattern, then a parameter; whatever comes first
  [['/{a}', '/x', '/{a}.json'], '/x', '/x'],
  [['/{a}', '/x', '/{a}.json'], '/x.json', '/{a}.json x'],
  [['/{a}', '/x', '/{a}.json'], '/y', '/{a} y'],
  [['/{a}.{b}', '/{a}.json'], '/x.json', '/{a}.json x'],
  [['/{a}.{b}', '/{a}.json'], '/x.y.z', '/{a}.{b} x y.z'],
  [['/{a}.{b}.{c}'], '/1.2.3.4', '/{a}.{b}.{c} 1 2 3.4'],
  [['/{a}.{b}'], '/...', '/{a}.{b} . .'],
  [['/v{a}.{b}:x'], '/v1.2:x:x', '/v{a}.{b}:x 1 2:x'],
  [['/v{a}.{b}:x'], '/v1.:x', undefined],
  [['/{a}ab'], '/ab', undefined],
  [['/{a}{b}'], '/xyz', '/{a}{b} x yz'],
  [['/{a}:cancel', '/{a}:{verb}'], '/7:cancel', '/{a}:cancel 7'],
  [['/{a}:cancel', '/{a}:{verb}'], '/7:undo', '/{a}:{verb} 7 undo'],
  // the first segment that differs decides, and a branch that leads nowhere is left
  [['/{x}/b', '/a/{y}'], '/a/b', '/a/{y} b'],
  [['/a/b/{y}', '/a/{x}/c'], '/a/b/c', '/a/b/{y} c'],
  [['/a/b/d', '/a/{x}/c'], '/a/b/c', '/a/{x}/c b'],
  [['/a/{x}.{k}/d', '/a/{x}/c'], '/a/f.g/c', '/a/{x}/c f.g'],
  [['/a/{x}/{y}/z', '/{p}/b/{q}/w'], '/a/b/c/w', '/{p}/b/{q}/w a c'],
  // characters that mean something elsewhere
  [['/a/*'], '/a/*', '/a/*'],
  [['/a/*'], '/a/b', undefined],
  [['/a(b)/{c}(d)'], '/a(b)/x(d)', '/a(b)/{c}(d) x'],
  [["/People('{id}')"], '/People(%277%27)', "/People('{id}') 7"],
  [['/{a}.+{b}'], '/x.+y', '/{a}.+{b} x y'],
  [['/a:b'], '/a:b', '/a:b'],
  [['/a b/größe'], '/a%20b/gr%C3%B6%c3%9fe', '/a b/größe'],
  [['/a%20b'], '/a%20b', '/a%20b'],
  [['/{a}'], '/%25%20%3f', '/{a} % ?'],
  [['/{a}'], '/100%2525', '/{a} 100%25'],
  // an escape that need not be is none; one that must be is no delimiter
  [['/admin', '/{a}'], '/%61dmin', '/admin'],
  [['/{a}:cancel', '/{a}'], '/x%3Acancel', '/{a} x:cancel'],
  [['/{a}.json', '/{a}'], '/x%2Ejson', '/{a}.json x'],
  // an empty segment is no parameter, and a slash more is another path
  [['/a/{b}'], '/a/', undefined],
  [['/a/{b}', '/a/'], '/a/', '/a/'],
  [['/a/{b}'], '/a/b/', undefined],
  [['/a/{b}/c'], '/a//c', undefined],
  [['/{b}'], '/', undefined],
  [['/'], '/', '/'],
  [['/{a}'], `/${'x'.repeat(1024)}`, `/{a} ${'x'.repeat(1024)}`],
  [['/{a}'], `/${'x'.repeat(1025)}`, undefined],
  [['/{a}.json'], `/${'x'.repeat(1025)}.json`, undefined],
])('of %s, %s is %s', (templates, path, expected) => {
  expect(taken(templates, path)).toBe(expected)
  expect(taken(templates.toReversed(), path)).toBe(expected)
})

test.each([
  ['{a}.{b}.{c}.{d}', '.'.repeat(16_000)],
  ['{a}.{b}.{c}:x', '.'.repeat(4000)],
  ['{a}{b}{c}-{d}x', 'x'.repeat(4000)],
])('no segment costs the pattern %s more than a look', (template, segment) => {
  const tree = new PathTree<string>()
  tree.add('GET', `/${template}`, 'x')
  const began = performance.now()
  expect(tree.find('GET', `/${segment}`, [])).toBeUndefined()
  // Tried in every way it would be minutes.
  expect(performance.now() - began).toBeLessThan(1000)
})

test('templates that differ in names, or in escapes that need not be, are one', () => {
  const same = [
    ['/a/{x}', '/a/{y}'],
    ['/{a}.{b}', '/{c}.{d}'],
    ['/größe', '/gr%C3%B6%C3%9Fe'],
    ['/%61', '/a'],
  ]
  for (const [one = '', other = ''] of same) {
    const tree = new PathTree<string>()
    expect(tree.add('GET', one, 'one')).toBeUndefined()
    expect(tree.add('GET', other, 'other')).toBe('one')
    expect(tree.add('POST', other, 'other')).toBeUndefined()
    expect(tree.find('GET', one.replaceAll(/\{.\}/g, 'v').replace('größe', 'gr%C3%B6%C3%9Fe'), [])).toBe('one')
  }
})

test('many templates that begin alike cost no more than there are', () => {
  // 2^30 ways through the tree, were every branch tried with every other.
  const tree = new PathTree<string>()
  for (let depth = 1; depth < 30; depth++) tree.add('GET', `${'/a'.repeat(depth)}${'/{x}'.repeat(30 - depth)}/end`, 'x')
  const began = performance.now()
  expect(tree.find('GET', `${'/a'.repeat(30)}/no`, [])).toBeUndefined()
  expect(performance.now() - began).toBeLessThan(1000)
})
