import * as z from 'zod';
import { EmailAddress } from './names.ts';
import { Moment, WorkspaceRole } from './resources.ts';

/** A link that signs a person in who has no account of his own yet. */
export const Invitation = z.object({
  url: z.string().describe('Works once, for the person it is handed to'),
  expiresAt: Moment,
});
export type Invitation = z.infer<typeof Invitation>;

/** One person of a workspace. */
export const AclEntry = z.object({
  email: z.string(),
  name: z.string(),
  role: WorkspaceRole,
  canShare: z.boolean(),
  canCompute: z.boolean(),
  isPending: z.boolean().describe('Invited, and has not signed in by that invitation yet'),
  isCreator: z.boolean(),
});
export type AclEntry = z.infer<typeof AclEntry>;

/** The same with the link to hand over, where this change made one. */
export const ChangedAclEntry = AclEntry.extend({ invitation: Invitation.nullable() });
export type ChangedAclEntry = z.infer<typeof ChangedAclEntry>;

export const noAccess = 'NO ACCESS';

/** What is wanted for one person. A flag that is left out stays, or takes what is usual for a new role. */
export const AclChange = z.strictObject({
  email: EmailAddress,
  role: z.enum([...WorkspaceRole.options, noAccess], 'A role is READER, WRITER, OWNER or NO ACCESS.'),
  canShare: z.boolean().optional(),
  canCompute: z.boolean().optional(),
});
export type AclChange = z.infer<typeof AclChange>;

/** What one person may do in a workspace. */
export interface Rights {
  readonly role: WorkspaceRole;
  readonly canShare: boolean;
  readonly canCompute: boolean;
}

const rank: Record<WorkspaceRole, number> = { READER: 1, WRITER: 2, OWNER: 3 };

/** The rights as they count: an owner may do everything, and a reader runs nothing. */
export function effective({ role, canShare, canCompute }: Rights): Rights {
  if (role === 'OWNER') return { role, canShare: true, canCompute: true };
  return { role, canShare, canCompute: canCompute && role !== 'READER' };
}

/** Whether `held` is at least `wanted` in every respect: the partial order that all sharing keeps to. */
export function includes(held: Rights, wanted: Rights): boolean {
  const [have, want] = [effective(held), effective(wanted)];
  return (
    rank[have.role] >= rank[want.role] && (have.canShare || !want.canShare) && (have.canCompute || !want.canCompute)
  );
}

/** Why someone with these rights has no say in who else is in the workspace, or undefined when he has. */
export function shareProblem(held: Rights): string | undefined {
  if (effective(held).canShare) return undefined;
  return 'You cannot share this workspace. Ask its owner for "can share".';
}

/**
 * Why someone who holds `held` cannot turn another's rights from `current` into `wanted`, or undefined when he can; null
 * is no access. Both must be within what he holds himself: nobody gives, or takes, what is above him.
 */
export function grantProblem(
  held: Rights,
  email: string,
  current: Rights | null,
  wanted: Rights | null,
): string | undefined {
  const problem = shareProblem(held);
  if (problem !== undefined) return problem;
  if (current !== null && !includes(held, current)) {
    return `${email} has rights in this workspace that you do not have, so you cannot change them. Ask an owner.`;
  }
  if (wanted === null || includes(held, wanted)) return undefined;
  const lacks = rank[wanted.role] > rank[held.role] ? `the role ${wanted.role}` : '"can compute"';
  return `You cannot give ${email} ${lacks}, which you do not have yourself. Ask an owner.`;
}

/** The rights that a change asks for, with what it leaves out: as they were, or what is usual for the role. */
export function rightsAsked(
  change: { role: WorkspaceRole; canShare?: boolean | undefined; canCompute?: boolean | undefined },
  current: Rights | null,
  held: Rights,
): Rights {
  const kept = current?.role === change.role ? current : null;
  return effective({
    role: change.role,
    canShare: change.canShare ?? kept?.canShare ?? false,
    // Who writes notebooks runs them as a rule, where the one who lets him in may do so himself.
    canCompute: change.canCompute ?? kept?.canCompute ?? effective(held).canCompute,
  });
}
