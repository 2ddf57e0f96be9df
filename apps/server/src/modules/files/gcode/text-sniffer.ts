/** How much of a file's beginning must be text; the binary formats show themselves in far less. */
export const SNIFFED_BYTES = 4096

/** Control characters that text files have: tab, newline, vertical tab, form feed, carriage return, escape. */
const TEXT_CONTROLS = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1b])

/** False for bytes that no text in any encoding in use here (ASCII, UTF-8, Latin-1) has; bytes above 127 may be letters. */
export const isTextByte = (byte: number): boolean => (byte >= 0x20 ? byte !== 0x7f : TEXT_CONTROLS.has(byte))
