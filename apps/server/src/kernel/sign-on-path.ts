/** Where a sign-on at the identity provider begins; it comes back below it. */
export const SIGN_ON_PATH = '/api/auth/sso'
