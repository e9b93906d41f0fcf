import { loadSystem } from '@spandrel/contract'
import { createGateway } from '@spandrel/gateway'

const { system, findings } = await loadSystem('spandrel.yaml')
if (system === undefined) throw new Error(findings.map(({ message }) => message).join('\n'))

const gateway = createGateway({ system })
const { url } = await gateway.listen({ port: Number(process.env.GATEWAY_PORT ?? 8080) })
console.log(`gateway ready on ${url}`)

process.once('SIGTERM', () => void gateway.close({ deadlineMs: 10_000 }))
