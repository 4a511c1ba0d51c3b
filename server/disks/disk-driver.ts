/** What exists for one disk, observed now. */
export type DiskFact =
  | { readonly id: string; readonly state: 'absent' }
  | {
      readonly id: string;
      readonly state: 'ready';
      readonly sizeBytes: number;
      /** Null where it can only be measured from inside a running machine. */
      readonly usedBytes: number | null;
    };

export interface DiskDescription {
  /** What is weaker or missing here, a sentence each: for example that sizes are not enforced. */
  readonly notes: string[];
  readonly maxBytes: number;
  /** Whether `resize` works on a disk of a running machine. */
  readonly growsOnline: boolean;
}

/**
 * Makes and unmakes persistent disks. Idempotent and keyed by our id (lower-case letters and digits, at most 40).
 * @throws AppError DriverUnavailable  the provider cannot be reached or is out of something; safe to retry
 * @throws AppError InvalidInput       the size can never work here; a sentence says why
 * @throws AppError NotPossibleNow     the disk is in use by a running machine
 */
export interface DiskDriver {
  readonly name: string;
  describe(): Promise<DiskDescription>;
  inspect(id: string): Promise<DiskFact>;
  /**
   * Makes a disk: empty, or holding what `copyOf` holds at one moment, also while a machine runs with it. A copy has
   * at least the size of what it copies.
   * @throws AppError NotFound  there is no disk `copyOf`
   */
  create(disk: { id: string; sizeBytes: number; copyOf?: string }): Promise<void>;
  /** Grows the disk; a size below the present one is InvalidInput. */
  resize(id: string, sizeBytes: number): Promise<void>;
  /** Removes the disk and everything on it. */
  delete(id: string): Promise<void>;
  list(): Promise<DiskFact[]>;
}
