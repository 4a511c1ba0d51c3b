import { Badge, Group, Select, Stack, Text } from '@mantine/core';
import type { Image } from '@terrarium/contract';
import classes from './EnvironmentForm.module.css';

interface ImageChoiceProps {
  images: readonly Image[];
  value: string | undefined;
  error: string | undefined;
  onChange: (reference: string) => void;
}

/** The image: which kernels it has and what is installed in it. */
export function ImageChoice({ images, value, error, onChange }: ImageChoiceProps) {
  const image = images.find(({ reference }) => reference === value);
  return (
    <Stack gap="xs">
      <Select
        label="Image"
        description="What the environment boots: its languages and packages"
        data={[
          ...images.map(({ reference, title }) => ({ value: reference, label: title })),
          ...(value === undefined || image !== undefined ? [] : [{ value, label: value }]),
        ]}
        value={value ?? null}
        allowDeselect={false}
        error={error}
        maw={480}
        onChange={(next) => {
          if (next !== null) onChange(next);
        }}
      />
      {image !== undefined && (
        <>
          {image.description !== '' && (
            <Text c="dimmed" fz="sm">
              {image.description}
            </Text>
          )}
          {image.kernels.length === 0 ? (
            <Text c="var(--warning)" fz="sm">
              No Jupyter kernel was found in this image, so notebooks cannot run in it.
            </Text>
          ) : (
            <Group gap="xs" role="list" aria-label="Kernels">
              {image.kernels.map((kernel) => (
                <Badge key={kernel.name} role="listitem" variant="default" tt="none" fw={500} radius="sm">
                  {kernel.displayName}
                </Badge>
              ))}
            </Group>
          )}
          {image.packages.length > 0 && (
            <details className={classes.details}>
              <summary>Installed packages ({image.packages.length})</summary>
              <ul className={classes.packages} tabIndex={0} aria-label="Installed packages">
                {image.packages.map((entry) => (
                  <li key={`${entry.language} ${entry.name}`}>
                    <span>{entry.name}</span>
                    <span>{entry.version}</span>
                  </li>
                ))}
              </ul>
            </details>
          )}
        </>
      )}
    </Stack>
  );
}
