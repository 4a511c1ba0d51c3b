import type { Environment, Workspace } from '@terrarium/contract';
import { IconPlus } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { links } from '../links.ts';
import { formatPrice } from '../ui/formats.ts';
import { ButtonLink } from '../ui/links.tsx';
import { Section } from '../ui/Page.tsx';
import classes from './EnvironmentList.module.css';
import { shapeText } from './shape.ts';
import { StatusWord } from './StatusWord.tsx';

interface EnvironmentListProps {
  workspace: Workspace;
  environments: readonly Environment[];
  chosen: Environment | undefined;
  /** The one that is shown below. */
  shown: Environment | undefined;
}

/** Your environments in this workspace, where there are several: which is which, and where notebooks run. */
export function EnvironmentList({ workspace, environments, chosen, shown }: EnvironmentListProps) {
  return (
    <div className={classes.section}>
      <Section
        title="Your environments here"
        actions={
          <ButtonLink
            {...links.environment(workspace, { view: 'new' })}
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} aria-hidden />}
          >
            New environment
          </ButtonLink>
        }
      >
        <ul className={classes.list}>
          {environments.map((environment) => (
            <li key={environment.id}>
              <Link
                {...links.environment(workspace, { environment: environment.name })}
                className={classes.item}
                // The router's own mark does not tell searches apart here.
                activeProps={{}}
                aria-current={environment.id === shown?.id ? 'true' : undefined}
              >
                <span className={classes.name}>{environment.name}</span>
                <StatusWord status={environment.status} />
                <span className={classes.muted}>{shapeText(environment)}</span>
                <span className={classes.price}>
                  {formatPrice(environment.cost.perHourNow, environment.cost.currency)}/h
                </span>
                <span className={classes.muted}>{environment.id === chosen?.id && 'Notebooks run here'}</span>
              </Link>
            </li>
          ))}
        </ul>
      </Section>
    </div>
  );
}
