// What is compiled is kept for the next start, as the command line does. It has to be on before anything else is loaded.
import { enableCompileCache } from 'node:module'

enableCompileCache()
const { gatewayCommand } = await import('./gateway-command.ts')
await gatewayCommand()
