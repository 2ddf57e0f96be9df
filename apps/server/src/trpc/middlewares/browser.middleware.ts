import { GantryError } from '../../kernel/errors.js'
import { t } from '../init.js'

/** @throws GantryError `CROSS_SITE_REFUSED`, also to whoever comes without HTTP */
export const fromAllowedPage = t.middleware(({ ctx, next }) => {
  const { cookies } = ctx
  if (cookies === null) throw new GantryError('CROSS_SITE_REFUSED', { params: { missing: 'origin' } })
  cookies.assertSettable()
  return next({ ctx: { ...ctx, cookies } })
})
