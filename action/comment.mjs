// One comment a pull request: found again by its first line, and changed instead of repeated.
import { readFileSync } from 'node:fs'

const MARK = '<!-- spandrel diff -->'
const { GITHUB_API_URL, GITHUB_EVENT_PATH, GITHUB_REPOSITORY, REPORT, TOKEN } = process.env

const number = JSON.parse(readFileSync(GITHUB_EVENT_PATH, 'utf8')).pull_request.number
const comments = `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/issues/${number}/comments`
const body = readFileSync(REPORT, 'utf8').slice(0, 65_000)

async function request(method, url, content) {
  const answer = await fetch(url, {
    method,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
    },
    ...(content === undefined ? {} : { body: JSON.stringify(content) }),
  })
  if (!answer.ok) throw new Error(`${method} ${new URL(url).pathname}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

async function ownComment() {
  for (let page = 1; ; page++) {
    const found = await request('GET', `${comments}?per_page=100&page=${page}`)
    const own = found.find((comment) => comment.body?.startsWith(MARK))
    if (own !== undefined || found.length < 100) return own
  }
}

try {
  const own = await ownComment()
  if (own !== undefined) await request('PATCH', own.url, { body })
  // A pull request that touches no contract needs no comment; one that no longer does is told so.
  else if (!body.includes('no changes')) await request('POST', comments, { body })
} catch (error) {
  // A fork's token may not write. The summary of the step has the report all the same.
  console.log(`::warning title=spandrel::the comment was not written: ${error.message}`)
}
