import { createGantryClient, GantryApiError, reasonText } from '@gantry/client'
import { fileAt } from '@gantry/client/node'

const gantry = createGantryClient({ url: 'http://127.0.0.1:9', retry: { attempts: 1 } })
const failed = await gantry.printers.list().catch((error) => error)
const missing = await fileAt('no-such.gcode').catch((error) => error)
const codes = [failed, missing].map((error) => (error instanceof GantryApiError ? error.code : String(error)))
console.log(JSON.stringify({ codes, text: reasonText({ code: 'BED_OCCUPIED', params: { sinceIso: null } }) }))
