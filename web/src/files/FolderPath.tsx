import type { Workspace } from '@terrarium/contract';
import { links } from '../links.ts';
import { AnchorLink } from '../ui/links.tsx';
import classes from './FilesPage.module.css';

/** Breadcrumbs from the bucket down to the folder that is shown. */
export function FolderPath({ workspace, folder }: { workspace: Workspace; folder: string }) {
  const names = folder === '' ? [] : folder.slice(0, -1).split('/');
  return (
    <nav aria-label="Folder">
      <ol className={classes.path}>
        <li>
          {names.length === 0 ? (
            <span aria-current="page">Bucket</span>
          ) : (
            <AnchorLink {...links.files(workspace)} activeOptions={{ exact: true, explicitUndefined: true }}>
              Bucket
            </AnchorLink>
          )}
        </li>
        {names.map((name, index) => (
          <li key={names.slice(0, index + 1).join('/')}>
            {index === names.length - 1 ? (
              <span aria-current="page">{name}</span>
            ) : (
              <AnchorLink {...links.files(workspace, `${names.slice(0, index + 1).join('/')}/`)} activeProps={{}}>
                {name}
              </AnchorLink>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}
