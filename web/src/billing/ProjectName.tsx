import { useQuery } from '@tanstack/react-query';
import type { AnchorProps } from '@mantine/core';
import { Text } from '@mantine/core';
import { links } from '../links.ts';
import { AnchorLink } from '../ui/links.tsx';
import { billingProjectsQuery } from './queries.ts';

/** The name of a workspace's billing project; a link for its members, who alone can open it. */
export function ProjectName({ name, ...rest }: { name: string } & Pick<AnchorProps, 'c' | 'fw' | 'fz'>) {
  const projects = useQuery(billingProjectsQuery);
  if (projects.data?.some((project) => project.name === name) !== true) {
    return (
      <Text span {...rest} fz={rest.fz ?? 'inherit'}>
        {name}
      </Text>
    );
  }
  return (
    <AnchorLink {...links.billingProject(name)} {...rest}>
      {name}
    </AnchorLink>
  );
}
