/**
 * A value of whatever size in a line of the log: the beginning of its JSON, without secrets. Nothing is done to it before
 * the line is written, so that it costs nothing where the line is not.
 */
export class Excerpt {
  constructor(
    readonly value: unknown,
    readonly maxCharacters = 2_000,
  ) {}
}
