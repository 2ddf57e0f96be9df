import { SETTINGS, type Setting, type SettingName, type SettingValues } from './settings.js'

/** The server was told something it cannot work with; `message` has one line per problem and no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'

  constructor(readonly problems: readonly string[]) {
    super(`The settings are wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
}

const SHOWN_LENGTH = 80

const shown = (setting: Setting, text: string | undefined): string =>
  setting.secret === true || text === undefined ? '' : ` (it is ${JSON.stringify(text.slice(0, SHOWN_LENGTH))})`

/** @throws ConfigError naming every wrong variable at once */
export const readSettings = (environment: Readonly<Record<string, string | undefined>>): SettingValues => {
  const values: Partial<Record<SettingName, unknown>> = {}
  const problems: string[] = []
  for (const [name, setting] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    const raw = environment[name]?.trim()
    const text = raw === '' ? undefined : raw
    const parsed = setting.schema.safeParse(text)
    if (parsed.success) values[name] = parsed.data
    else problems.push(`${name} ${parsed.error.issues[0]?.message ?? 'is wrong'}${shown(setting, text)}`)
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return values as SettingValues
}
