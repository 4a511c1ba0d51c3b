import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DiskDriver } from '../../disks/disk-driver.ts';

export interface DisksUnderTest {
  readonly disks: DiskDriver;
  /** The driver object made anew over the same disks, as after a restart of the control plane. */
  reopen(): Promise<DiskDriver>;
  /** Leaves `text` on a disk that nothing runs with, and reads it there. */
  write(id: string, text: string): Promise<void>;
  read(id: string): Promise<string>;
  dispose(): Promise<void>;
}

const mebibyte = 2 ** 20;

/** What every DiskDriver does. What needs a running machine is in the compute suite. Call it once in the driver's own test file. */
export function diskConformance(driver: { name: string; make: () => Promise<DisksUnderTest> }): void {
  describe(`disks: ${driver.name}`, () => {
    let subject: DisksUnderTest;
    let disks: DiskDriver;
    let id = '';
    const refusal = (code: string) => expect.objectContaining({ name: 'AppError', code });

    beforeAll(async () => {
      subject = await driver.make();
      disks = subject.disks;
    });
    beforeEach(() => {
      id = `d${randomBytes(8).toString('hex')}`;
    });
    afterAll(async () => {
      await subject.dispose();
    });

    it('says in sentences what is weaker here, and how large a disk can be', async () => {
      const { notes, maxBytes } = await disks.describe();
      for (const note of notes) expect(note).toMatch(/^[A-Z].*\.$/s);
      expect(maxBytes).toBeGreaterThanOrEqual(64 * mebibyte);
      await expect(disks.create({ id, sizeBytes: maxBytes + mebibyte })).rejects.toEqual(refusal('InvalidInput'));
      expect((await disks.inspect(id)).state).toBe('absent');
    });

    it('answers absence with a value', async () => {
      expect(await disks.inspect('never')).toEqual({ id: 'never', state: 'absent' });
      await disks.delete('never');
      expect((await disks.list()).some((fact) => fact.id === 'never')).toBe(false);
    });

    it('makes a disk of the size asked for, once, and removes it', async () => {
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      const fact = await disks.inspect(id);
      expect(fact).toMatchObject({ id, state: 'ready', sizeBytes: 64 * mebibyte });
      expect((await disks.list()).filter((each) => each.id === id)).toEqual([fact]);
      await disks.delete(id);
      await disks.delete(id);
      expect(await disks.inspect(id)).toEqual({ id, state: 'absent' });
      expect((await disks.list()).some((each) => each.id === id)).toBe(false);
    });

    it('makes one disk when asked many times at once', async () => {
      await Promise.all(Array.from({ length: 4 }, () => disks.create({ id, sizeBytes: 64 * mebibyte })));
      expect((await disks.list()).filter((each) => each.id === id)).toHaveLength(1);
      await Promise.all([disks.delete(id), disks.delete(id)]);
      expect((await disks.inspect(id)).state).toBe('absent');
    });

    it('grows, any number of times, and never shrinks', async () => {
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      await disks.resize(id, 96 * mebibyte);
      await disks.resize(id, 96 * mebibyte);
      expect(await disks.inspect(id)).toMatchObject({ sizeBytes: 96 * mebibyte });
      await expect(disks.resize(id, 64 * mebibyte)).rejects.toEqual(refusal('InvalidInput'));
      expect(await disks.inspect(id)).toMatchObject({ sizeBytes: 96 * mebibyte });
      await disks.delete(id);
    });

    it('keeps the size when it is created a second time after growing', async () => {
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      await disks.resize(id, 96 * mebibyte);
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      expect(await disks.inspect(id)).toMatchObject({ sizeBytes: 96 * mebibyte });
      await disks.delete(id);
    });

    it('are found again by a restarted driver', async () => {
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      const fact = await disks.inspect(id);
      disks = await subject.reopen();
      expect(await disks.inspect(id)).toEqual(fact);
      expect(await disks.list()).toContainEqual(fact);
      await disks.delete(id);
    });

    it('makes a copy that holds what the other holds, and has a life of its own', async () => {
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      await subject.write(id, 'before');
      const copy = `c${id}`;
      await disks.create({ id: copy, sizeBytes: 96 * mebibyte, copyOf: id });
      expect(await disks.inspect(copy)).toMatchObject({ state: 'ready', sizeBytes: 96 * mebibyte });
      await subject.write(id, 'after');
      expect(await subject.read(copy)).toBe('before');
      await disks.create({ id: copy, sizeBytes: 96 * mebibyte, copyOf: id });
      expect(await subject.read(copy)).toBe('before');
      await subject.write(copy, 'other');
      expect(await subject.read(id)).toBe('after');
      await disks.delete(id);
      await disks.create({ id: copy, sizeBytes: 64 * mebibyte, copyOf: id });
      expect(await subject.read(copy)).toBe('other');
      await disks.delete(copy);
    });

    it('makes a copy no smaller than what it copies', async () => {
      await disks.create({ id, sizeBytes: 64 * mebibyte });
      await disks.create({ id: `c${id}`, sizeBytes: 32 * mebibyte, copyOf: id });
      expect(await disks.inspect(`c${id}`)).toMatchObject({ sizeBytes: 64 * mebibyte });
      for (const each of [id, `c${id}`]) await disks.delete(each);
    });

    it('refuses to copy what does not exist, and makes nothing', async () => {
      for (const copyOf of ['never', '../x', ''])
        await expect(disks.create({ id, sizeBytes: 64 * mebibyte, copyOf })).rejects.toEqual(refusal('NotFound'));
      expect((await disks.inspect(id)).state).toBe('absent');
    });

    it('refuses to grow what does not exist', async () => {
      await expect(disks.resize(id, 64 * mebibyte)).rejects.toEqual(refusal('NotFound'));
    });

    it.each(['', '..', '../x', 'a/b', 'A', 'a.img', 'a'.repeat(41), 'a\u0000', '-rf'])(
      'refuses the id %j',
      async (bad) => {
        await expect(disks.create({ id: bad, sizeBytes: 64 * mebibyte })).rejects.toEqual(refusal('InvalidInput'));
      },
    );

    it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 70])('refuses the size %d', async (sizeBytes) => {
      await expect(disks.create({ id, sizeBytes })).rejects.toEqual(refusal('InvalidInput'));
      expect((await disks.inspect(id)).state).toBe('absent');
    });
  });
}
