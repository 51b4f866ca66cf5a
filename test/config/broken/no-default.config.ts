export const listeners = {}
