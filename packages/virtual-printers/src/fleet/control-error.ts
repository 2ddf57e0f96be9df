/** A call of the control API that cannot be carried out. */
export class ControlError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** The field that is wrong. */
    readonly field: string | null = null,
  ) {
    super(message)
  }
}

/** @throws ControlError 400 naming the first field that is not known */
export function refuseStrangers(body: object, known: readonly string[]): void {
  const stranger = Object.keys(body).find((field) => !known.includes(field))
  if (stranger === undefined) return
  const others = known.length === 0 ? 'no field is' : `${known.join(', ')} are`
  throw new ControlError(400, `${stranger} is not known here, ${others}`, stranger)
}
