import { useRef, useState, type DragEvent, type ReactNode } from 'react';
import classes from './DropZone.module.css';

/** Takes files dropped anywhere on its children, saying so while they hover. */
export function DropZone({
  text,
  onFiles,
  children,
}: {
  text: string;
  onFiles: (files: File[]) => void;
  children: ReactNode;
}) {
  const [isOver, setIsOver] = useState(false);
  // Enter and leave also fire for every child crossed; only the outermost pair counts.
  const depth = useRef(0);
  const carriesFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');
  return (
    <div
      className={classes.zone}
      onDragEnter={(event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        depth.current += 1;
        setIsOver(true);
      }}
      onDragOver={(event) => {
        if (carriesFiles(event)) event.preventDefault();
      }}
      onDragLeave={(event) => {
        if (!carriesFiles(event)) return;
        depth.current -= 1;
        if (depth.current === 0) setIsOver(false);
      }}
      onDrop={(event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        depth.current = 0;
        setIsOver(false);
        // A dropped folder arrives as an entry that cannot be read as a file; it has no type and is left out here.
        const files = [...event.dataTransfer.items].flatMap((item) => {
          if (item.kind !== 'file' || item.webkitGetAsEntry()?.isDirectory === true) return [];
          return item.getAsFile() ?? [];
        });
        if (files.length > 0) onFiles(files);
      }}
    >
      {children}
      {isOver && <div className={classes.over}>{text}</div>}
    </div>
  );
}
