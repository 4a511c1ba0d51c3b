import { links } from '../links.ts';
import { AnchorLink } from '../ui/links.tsx';

const shortName = 24;

/** A workspace by its whole name, as a list shows it: broken after its project, not at every dash. */
export function WorkspaceLink({ workspace }: { workspace: { namespace: string; name: string } }) {
  const { namespace, name } = workspace;
  return (
    <AnchorLink {...links.dashboard(workspace)} c="inherit">
      <Whole text={`${namespace}/`} />
      <wbr />
      <Whole text={name} />
    </AnchorLink>
  );
}

function Whole({ text }: { text: string }) {
  return <span style={text.length > shortName ? undefined : { whiteSpace: 'nowrap' }}>{text}</span>;
}
