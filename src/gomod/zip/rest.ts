/**
 * Asked between the pieces of long work: null to go on, a promise where something else should run first. What holds
 * no loop up, as in a thread of its own, never rests.
 */
export type Rest = () => Promise<void> | null

export const noRest: Rest = () => null
