export const SHORT_LEASE_SECONDS = 6
