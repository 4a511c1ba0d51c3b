import { ActionIcon, Button, Group, Progress, Text, Tooltip } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { formatBytes } from '../ui/formats.ts';
import classes from './UploadList.module.css';
import type { Upload, Uploads } from './uploads.ts';

/** What is being uploaded, and what became of it. Nothing when there is nothing to say. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  if (uploads.items.length === 0) return null;
  const done = uploads.items.filter(({ state }) => state.kind === 'done').length;
  return (
    <section aria-label="Uploads" className={classes.uploads}>
      <Group justify="space-between" mih={28}>
        <Text fz="sm" fw={600} role="status">
          {done === uploads.items.length
            ? `${String(done)} uploaded`
            : `${String(done)} of ${String(uploads.items.length)} uploaded`}
        </Text>
        {done > 0 && (
          <Button variant="subtle" color="gray" size="xs" onClick={uploads.clearDone}>
            Clear finished
          </Button>
        )}
      </Group>
      <ul className={classes.list}>
        {uploads.items.map((upload) => (
          <li key={upload.id}>
            <Item upload={upload} uploads={uploads} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Item({ upload, uploads }: { upload: Upload; uploads: Uploads }) {
  const { file, state } = upload;
  const isUnderWay = state.kind === 'waiting' || state.kind === 'sending';
  return (
    <>
      <div className={classes.row}>
        <span className={classes.name} title={file.name}>
          {file.name}
        </span>
        <span className={classes.state}>
          {state.kind === 'waiting' && 'Waiting'}
          {state.kind === 'sending' && `${formatBytes(state.sentBytes)} of ${formatBytes(file.size)}`}
          {state.kind === 'done' && (
            <>
              <IconCheck size={14} aria-hidden /> {formatBytes(file.size)}
            </>
          )}
        </span>
        <Tooltip label={isUnderWay ? 'Cancel' : 'Dismiss'}>
          <ActionIcon
            aria-label={`${isUnderWay ? 'Cancel upload of' : 'Dismiss'} ${file.name}`}
            onClick={() => uploads.dismiss(upload)}
          >
            <IconX size={14} />
          </ActionIcon>
        </Tooltip>
      </div>
      {state.kind === 'sending' && (
        <Progress
          size={4}
          aria-label={`Upload of ${file.name}`}
          value={file.size === 0 ? 100 : (state.sentBytes / file.size) * 100}
        />
      )}
      {state.kind === 'exists' && (
        <Group gap="xs" role="alert">
          <Text fz="sm" c="var(--warning)">
            There is a file of this name already.
          </Text>
          <Button size="xs" variant="default" onClick={() => uploads.replace(upload)}>
            Replace it
          </Button>
          <Button size="xs" variant="default" onClick={() => uploads.dismiss(upload)}>
            Keep the old one
          </Button>
        </Group>
      )}
      {state.kind === 'failed' && (
        <Group gap="xs" role="alert">
          <Text fz="sm" c="var(--danger)">
            {state.message}
          </Text>
          {state.canRetry && (
            <Button size="xs" variant="default" onClick={() => uploads.retry(upload)}>
              Try again
            </Button>
          )}
        </Group>
      )}
    </>
  );
}
