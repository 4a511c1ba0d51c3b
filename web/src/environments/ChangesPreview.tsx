import { Text } from '@mantine/core';
import type { ChangeEffect, UpdatedEnvironment } from '@terrarium/contract';
import classes from './EnvironmentForm.module.css';

const effectWord: Record<ChangeEffect, string> = {
  nothing: 'No restart',
  restart: 'Restart',
  rebuild: 'Rebuild',
};

interface ChangesPreviewProps {
  preview: UpdatedEnvironment | undefined;
  isPending: boolean;
}

/** A sentence for each change: what it does to what runs. */
export function ChangesPreview({ preview, isPending }: ChangesPreviewProps) {
  return (
    <section aria-label="What the changes do" aria-live="polite" aria-busy={isPending}>
      {preview === undefined ? (
        isPending && (
          <Text c="dimmed" fz="sm">
            Working out what this does…
          </Text>
        )
      ) : (
        <ChangeList changes={preview.changes} />
      )}
    </section>
  );
}

export function ChangeList({ changes }: Pick<UpdatedEnvironment, 'changes'>) {
  return (
    <ul className={classes.changes}>
      {changes.map(({ field, effect, sentence }) => (
        <li key={field}>
          <span className={classes.effect} data-effect={effect}>
            {effectWord[effect]}
          </span>
          <span>{sentence}</span>
        </li>
      ))}
    </ul>
  );
}
