import { invalidField, notFound, type Actor } from '../../kernel/index.js'

/** @throws GantryError `NOT_FOUND` for a group that the actor may not see */
const expectGroups = ({ scope: { printerGroups } }: Actor, groupIds: readonly string[]): void => {
  if (printerGroups === 'all') return
  for (const id of groupIds) if (!printerGroups.includes(id)) throw notFound('printer group', id)
}

/** Where a printer is put. @throws GantryError `NOT_FOUND`, `VALIDATION_FAILED` when the actor would lose sight of it */
export const expectGroup = (actor: Actor, groupId: string | null): void => {
  if (groupId !== null) expectGroups(actor, [groupId])
  else if (actor.scope.printerGroups !== 'all') throw invalidField('groupId', 'must be one of your groups')
}

/** Where a job of the actor may be printed: none named means anywhere that the actor sees. @throws GantryError `NOT_FOUND` */
export const groupsWithin = (actor: Actor, groupIds: string[]): string[] => {
  const { printerGroups } = actor.scope
  expectGroups(actor, groupIds)
  if (printerGroups === 'all' || groupIds.length > 0) return groupIds
  if (printerGroups.length === 0) throw invalidField('printerGroupIds', 'cannot be empty: you see no printers')
  return [...printerGroups]
}
