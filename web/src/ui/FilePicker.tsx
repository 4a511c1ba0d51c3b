import { FileButton } from '@mantine/core';
import { useRef, type ReactElement } from 'react';

interface FilePickerProps {
  /** File name extensions offered first, as in `<input accept>`. */
  accept?: string;
  onFiles: (files: File[]) => void;
  children: (open: () => void) => ReactElement;
}

/** Lets a person choose several files. The same files can be chosen again. */
export function FilePicker({ accept, onFiles, children }: FilePickerProps) {
  const forget = useRef<() => void>(null);
  return (
    <FileButton
      multiple
      accept={accept}
      resetRef={forget}
      onChange={(files) => {
        onFiles(files);
        // A browser tells nothing when the choice is what it was.
        forget.current?.();
      }}
    >
      {({ onClick }) => children(onClick)}
    </FileButton>
  );
}
