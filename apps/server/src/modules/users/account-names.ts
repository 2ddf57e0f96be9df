/** What an account is called that nobody gave a name. */
export const nameOf = (email: string): string => email.slice(0, email.indexOf('@')).slice(0, 100)
