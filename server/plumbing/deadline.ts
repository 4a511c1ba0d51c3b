/** What `work` resolves to, or after `ms` what `late` returns or throws. The work itself goes on. */
export async function beforeDeadline<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
  const deadline = Promise.withResolvers<null>();
  const timer = setTimeout(deadline.resolve, ms, null);
  const done = work.then((value) => ({ value }));
  const first = await Promise.race([done, deadline.promise]).finally(() => {
    clearTimeout(timer);
  });
  return first === null ? late() : first.value;
}
