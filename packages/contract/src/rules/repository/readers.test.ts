import { describe, expect, test } from 'vitest'
import { fluentBitSinks, logstashSinks, vectorSinks } from './log-sinks.ts'
import { readManifest } from './manifests.ts'

describe('the sinks of a log shipper, by type', () => {
  const types = (sinks: readonly { readonly type: string }[]): readonly string[] => sinks.map(({ type }) => type)

  test('Vector, in YAML: not the types of encodings and buffers', () => {
    const text =
      'sources:\n  a: { }\nsinks:\n  logs:\n    type: loki\n    buffer:\n      type: disk\n  jobs:\n    type: amqp # jobs\n'
    expect(types(vectorSinks(text))).toEqual(['loki', 'amqp'])
  })

  test('Vector, in TOML', () => {
    const text = '[sources.a]\ntype = "file"\n\n[sinks.jobs]\ntype = "kafka"\n\n[sinks.logs]\ntype = "console"\n'
    expect(types(vectorSinks(text))).toEqual(['kafka', 'console'])
  })

  test('Fluent Bit, in its own format and in YAML', () => {
    expect(
      types(fluentBitSinks('[INPUT]\n  Name tail\n[OUTPUT]\n  Name http\n  Match *\n[OUTPUT]\n  Name es\n')),
    ).toEqual(['http', 'es'])
    const yaml =
      'pipeline:\n  inputs:\n    - name: tail\n  outputs:\n    - name: kafka\n      match: "*"\n    - name: loki\n'
    expect(types(fluentBitSinks(yaml))).toEqual(['kafka', 'loki'])
  })

  test('flow YAML and JSON, and a text that no parser takes', () => {
    const vector = 'sinks:\n  pg: { type: kafka, inputs: [k] }\n  logs: { type: loki, buffer: { type: disk } }\n'
    const [kafka, loki, ...others] = vectorSinks(vector)
    expect([kafka?.type, loki?.type, others]).toEqual(['kafka', 'loki', []])
    expect(vector.slice(kafka?.index).startsWith('kafka')).toBe(true)
    expect(types(vectorSinks('{ "sinks": { "a": { "inputs": [], "type": "http" } } }'))).toEqual(['http'])
    expect(types(vectorSinks('sinks:\n  a:\n    type: kafka\n    topic: {{ topic }}\n'))).toEqual(['kafka'])
    expect(types(fluentBitSinks('outputs:\n - {name: http, match: "*"}\n - { Name: "es" }\n'))).toEqual(['http', 'es'])
  })

  test('Logstash: inside conditions too, and not inside plugins', () => {
    const text =
      'input { beats { port => 5044 } }\noutput {\n  if [type] == "order" {\n    http { url => "x" headers => { a => "b" } }\n  } else {\n    elasticsearch { }\n  }\n}\n'
    expect(types(logstashSinks(text))).toEqual(['http', 'elasticsearch'])
  })
})

describe('the dependencies of a manifest, by name and path', () => {
  const read = (file: string, text: string): unknown => {
    const { name, dependencies } = readManifest(file, text)
    return [name, dependencies.map((one) => (one.path === undefined ? one.name : `${one.name} at ${one.path}`))]
  }

  test.each([
    ['package.json', '{ "name": "a", "dependencies": { "b": "file:../b", "c": "^1.0.0" } }', ['a', ['b at ../b', 'c']]],
    ['package.json', 'no JSON', [undefined, []]],
    [
      'requirements.txt',
      '# ours\nShop_Prices==2.0\n-e ../prices/client\n',
      [undefined, ['shop-prices', '../prices/client at ../prices/client']],
    ],
    [
      'go.mod',
      'module example.com/orders\n\nrequire (\n\texample.com/prices v1.2.0\n)\nreplace example.com/prices => ../prices\n',
      ['example.com/orders', ['example.com/prices at ../prices']],
    ],
    [
      'pom.xml',
      '<project><groupId>g</groupId><artifactId>orders</artifactId><dependencies><dependency><groupId>g</groupId><artifactId>prices</artifactId></dependency></dependencies></project>',
      ['g:orders', ['g:prices']],
    ],
  ])('%s: %s', (file, text, expected) => {
    expect(read(file, text)).toEqual(expected)
  })

  test('pyproject.toml, as PEP 621 and as Poetry', () => {
    const pep = '[project]\nname = "orders"\ndependencies = [\n  "shop-prices >= 2",\n  "httpx",\n]\n'
    expect(read('pyproject.toml', pep)).toEqual(['orders', expect.arrayContaining(['shop-prices', 'httpx'])])
    const poetry =
      '[tool.poetry]\nname = "orders"\n[tool.poetry.dependencies]\nshop-prices = { path = "../prices/client" }\n'
    expect(read('pyproject.toml', poetry)).toEqual([
      'orders',
      expect.arrayContaining(['shop-prices at ../prices/client']),
    ])
  })
})
