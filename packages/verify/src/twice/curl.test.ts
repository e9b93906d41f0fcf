import { expect, test } from 'vitest'
import { readCurl, RequestUnclear } from './curl.ts'

const json = [['Content-Type', 'application/json']]

test.each<[string[], object]>([
  [['curl', '127.0.0.1:3000/a'], { method: 'GET', url: 'http://127.0.0.1:3000/a' }],
  [['curl', '-sS', '-XPUT', 'http://h/', '-d', 'a=1', '-d', 'b=2'], { method: 'PUT', body: 'a=1&b=2' }],
  [['curl', '--url=http://h/x', '--json', '{"a":1}'], { method: 'POST', url: 'http://h/x', body: '{"a":1}' }],
  [['curl', '-G', 'http://h/x?y=1', '-d', 'a=b'], { method: 'GET', url: 'http://h/x?y=1&a=b' }],
  [['curl', '-k', 'https://h/', '--data-urlencode', 'a=b c'], { insecure: true, body: 'a=b%20c' }],
  [['curl', '-sSX', 'PUT', '--http2', 'http://h/', '-sd', '-sX'], { method: 'PUT', body: '-sX' }],
  [
    ['curl', 'http://ann:s%20t@h/'],
    { url: 'http://h/', headers: expect.arrayContaining([['Authorization', 'Basic YW5uOnMgdA==']]) },
  ],
  [['curl', '-o', '/dev/null', '-w', '%{http_code}', 'http://h/'], { method: 'GET', url: 'http://h/' }],
  [
    ['http://h/', '-H', 'Content-Type: application/json', '--data-raw', '@x'],
    { body: '@x', headers: expect.arrayContaining(json) },
  ],
  [
    ['curl', '-u', 'ann:secret', 'http://h/'],
    { headers: expect.arrayContaining([['Authorization', 'Basic YW5uOnNlY3JldA==']]) },
  ],
  [
    ['curl', 'http://h/', '-H', 'Expect:', '-d', 'a=b'],
    {
      headers: [
        ['Content-Type', expect.anything()],
        ['Accept', '*/*'],
      ],
    },
  ],
  [['curl', 'http://h/', '-H', 'Content-Type: ', '-H', 'accept:', '-d', 'a=b'], { headers: [], body: 'a=b' }],
  [
    ['curl', 'http://h/', '-H', 'X-Empty;'],
    {
      headers: [
        ['X-Empty', ''],
        ['Accept', '*/*'],
      ],
    },
  ],
])('%j', async (words, expected) => {
  expect(await readCurl(words)).toMatchObject(expected)
})

test.each([
  [['curl', 'http://h/', '--form', 'a=b'], '--form of curl is not understood'],
  [['curl', 'http://h/', 'http://i/'], 'two URLs'],
  [['curl', 'http://h/', ' ', '-d', 'a=b'], 'nothing but a blank'],
  [['curl', '‘http://h/’'], 'a quote of printed text'],
  [['curl', 'http://h/', '-d', '@nothing-here.json'], 'cannot be read'],
  [['curl', 'http://h/', '-H', 'nonsense'], 'is no header'],
  [['curl', 'http://h/', '-H'], '-H has no value'],
  [['curl http://h/ -d a=b'], 'the whole line is one word'],
  [['curl', '^http://h/^', '^'], 'copied for the command line of Windows'],
  [['curl', '-X', 'POST', '^'], 'copied for the command line of Windows'],
  [['curl', 'http://h/', '-b', 'jar.txt'], 'cookies of the file'],
])('%j is not guessed at', async (words, what) => {
  await expect(readCurl(words)).rejects.toThrow(RequestUnclear)
  await expect(readCurl(words)).rejects.toThrow(what)
})
